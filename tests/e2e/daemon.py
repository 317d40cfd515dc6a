"""What the process-level tests share: a leatd with options of one's own, looked at from outside, and quick batches."""

import errno
import hashlib
import os
import re
import resource
import signal
import struct
import subprocess
import tempfile
import time
import unittest

import leat_client as leat
from leat_client import Client, LeatError, Record
from leatd_process import Leatd

LEATD = os.environ.get("LEATD", "")
T = 1700000000000
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# A sanitizer keeps freed memory and shadows all of it: the tests' bounds are then held with this factor, which still
# catches what grows without one.
MEMORY_FACTOR = 4 if os.environ.get("LEAT_SANITIZE") else 1

# Exit codes of leatd --help.
EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_LOCKED, EXIT_FORMAT = range(5)


def eventually(check, timeout=20, what="the condition"):
    """Waits until check() gives something true, and gives that."""
    deadline = time.monotonic() + timeout
    while True:
        result = check()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError("%s did not come within %g s" % (what, timeout))
        time.sleep(0.005)


class Daemon(Leatd):
    """A leatd on a free port. `settings` become --set, `options` are flags; `data_dir`, when given, is kept."""

    def __init__(self, *options, data_dir=None, listen="127.0.0.1:0", **settings):
        super().__init__(LEATD)
        self.base_options = list(options)
        self.settings = settings
        self.listen = listen
        if data_dir is not None:
            self.data_dir = data_dir
        self.port_file = os.path.join(self.directory, "port")
        self.started_ms = None

    def command(self):
        sets = ["--set=%s=%s" % (re.sub("^topic_", "topic.", name), value) for name, value in self.settings.items()]
        return [self.binary, "--data-dir", self.data_dir, "--listen", self.listen, "--port-file",
                self.port_file] + sets + self.base_options

    def spawn(self, **popen):
        """Starts the process and returns at once."""
        if os.path.exists(self.port_file):
            os.remove(self.port_file)
        self.address = None
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, **popen)

    def wait_ready(self, timeout=60):
        def ready():
            if self.process.poll() is not None:
                raise RuntimeError("leatd ended with %s:\n%s" % (self.process.returncode, self.log()[-4000:]))
            try:
                with open(self.port_file) as file:
                    return file.read()
            except FileNotFoundError:
                return None
        self.address = eventually(ready, timeout, "the port file").strip()

    def start(self, **popen):
        begin = time.monotonic()
        self.spawn(**popen)
        self.wait_ready()
        self.started_ms = (time.monotonic() - begin) * 1000

    def run(self, timeout=30, **popen):
        """Runs it to its end: (exit code, what it printed)."""
        mark = len(self.log()) if os.path.exists(self.log_path) else 0
        self.spawn(**popen)
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("leatd did not end by itself:\n" + self.log()[-4000:]) from None
        return code, self.log()[mark:]

    def stop_and_start(self):
        code = self.stop()
        if code != EXIT_OK:
            raise AssertionError("SIGTERM ended in %s:\n%s" % (code, self.log()[-4000:]))
        self.start()

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def client(self, **options):
        return Client(self.address, **options)

    def metrics(self, client=None):
        own = client or self.client()
        try:
            return {m.name: m.value for m in own.server_info(include_metrics=True).metrics}
        finally:
            if client is None:
                own.close()

    def recovery(self):
        with self.client() as client:
            return client.server_info().recovery

    def rss_bytes(self):
        """Resident memory, as it would be about without a sanitizer."""
        with open("/proc/%d/statm" % self.process.pid) as file:
            return int(file.read().split()[1]) * PAGE_BYTES // MEMORY_FACTOR

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.process.pid) as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def partition_dir(self, topic, partition=0):
        return os.path.join(self.data_dir, "topics", "%s-%d" % (topic, partition))

    def segment_files(self, topic, partition=0, suffix=".log"):
        directory = self.partition_dir(topic, partition)
        return [os.path.join(directory, n) for n in sorted(os.listdir(directory)) if n.endswith(suffix)]


class DaemonTest(unittest.TestCase):
    """Gives each test its own daemons and temporary directories, and takes them away again."""

    def daemon(self, *options, start=True, **settings):
        daemon = Daemon(*options, **settings)
        self.addCleanup(daemon.close)
        if start:
            daemon.start()
        return daemon

    def client(self, daemon, **options):
        client = daemon.client(**options)
        self.addCleanup(client.close)
        return client

    def directory(self):
        holder = tempfile.TemporaryDirectory(prefix="leat-e2e-")
        self.addCleanup(holder.cleanup)
        return holder.name

    def assert_error(self, name, call, *args, **options):
        with self.assertRaises(LeatError) as caught:
            call(*args, **options)
        self.assertEqual(caught.exception.name, name, caught.exception.message)
        self.assertNotEqual(caught.exception.message, "")
        return caught.exception


def tree(directory):
    """Everything below a directory: path -> (mode, owner, size, time of change, hash of the bytes)."""
    out = {}
    for path, names, files in os.walk(directory):
        for name in names + files:
            full = os.path.join(path, name)
            info = os.lstat(full)
            digest = ""
            if name in files:
                with open(full, "rb") as file:
                    digest = hashlib.sha256(file.read()).hexdigest()
            size = info.st_size if name in files else 0
            out[os.path.relpath(full, directory)] = (info.st_mode, info.st_uid, size, info.st_mtime_ns, digest)
    return out


def raise_open_files(wanted):
    """Raises this process's limit (children inherit it) as far as allowed; the limit that holds then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (max(hard, wanted), hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            return limit
        except (ValueError, OSError) as error:
            if isinstance(error, OSError) and error.errno not in (errno.EPERM, errno.EINVAL):
                raise
    return soft


def _crc_update(state, data):
    for byte in data:
        state = (state >> 8) ^ leat._CRC_TABLE[(state ^ byte) & 0xFF]
    return state


class Stamped:
    """Batches of one shape that differ in the last STAMP_BYTES of their last record, at the cost of a checksum over
    these bytes alone. So a test can send many megabytes and still tell every batch from every other."""

    STAMP_BYTES = 24

    def __init__(self, records=1, value_bytes=100, timestamp_ms=T):
        values = [Record(b"%08d" % i + b"v" * value_bytes + bytes(self.STAMP_BYTES), b"k%d" % i,
                         timestamp_ms=timestamp_ms) for i in range(records)]
        self.count = records
        # behind the last value there is one byte, the number of headers
        self._whole = leat.build_batch(values)
        self._covered = self._whole[21:-self.STAMP_BYTES - 1]
        self._state = _crc_update(0xFFFFFFFF, self._covered)
        self.bytes = len(self._whole)

    def batch(self, *numbers):
        """One batch, stamped with three numbers."""
        tail = struct.pack(">qqq", *numbers) + b"\0"
        crc = _crc_update(self._state, tail) ^ 0xFFFFFFFF
        return self._whole[:17] + struct.pack(">I", crc) + self._covered + tail


def stamp_of(batch):
    return struct.unpack_from(">qqq", batch, len(batch) - 25)


def split_batches(data):
    """[(base offset, record count, bytes of the batch)] of batches back to back."""
    out = []
    at = 0
    while at < len(data):
        base, length = struct.unpack_from(">qi", data, at)
        batch = data[at:at + 12 + length]
        if len(batch) != 12 + length:
            raise AssertionError("a fetch reply ends inside a batch")
        out.append((base, struct.unpack_from(">i", batch, 57)[0], batch))
        at += 12 + length
    return out


def read_batches(client, topic, partition=0, offset=0):
    """Everything visible from `offset` on, as split_batches() gives it."""
    out = []
    while True:
        result, data = client.fetch([(topic, partition, offset)])[0]
        if result.error.code:
            raise LeatError(result.error)
        found = split_batches(data)
        if not found:
            return out
        out += found
        offset = out[-1][0] + out[-1][1]


def content(batch):
    """A batch without what the broker stamps: base offset and leader epoch."""
    return batch[8:12] + batch[16:]


def main():
    if not LEATD:
        raise SystemExit("say where leatd is: environment variable LEATD")
    unittest.main(verbosity=2)
