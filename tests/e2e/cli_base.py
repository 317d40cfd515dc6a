"""What the tests of the command line share: a daemon, and `leat` run as a user would."""

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import tempfile
import termios
import time
import unittest

from leatd_process import Leatd

LEAT = os.environ.get("LEAT", "")
LEATD = os.environ.get("LEATD", "")

# Exit codes of leat --help.
OK, FAILED, USAGE, NOT_FOUND, UNREACHABLE, TIMED_OUT = 0, 1, 2, 3, 5, 6

DEADLINE_S = 60


class Result:
    def __init__(self, code, out, err):
        self.code = code
        self.out = out
        self.err = err.decode(errors="replace")

    @property
    def text(self):
        return self.out.decode()

    @property
    def lines(self):
        return self.text.splitlines()

    @property
    def json_lines(self):
        return [json.loads(line) for line in self.lines]

    @property
    def json(self):
        return json.loads(self.out)


def environment(address):
    env = {name: value for name, value in os.environ.items() if name not in ("LEAT_ADDRESS", "NO_COLOR")}
    if address:
        env["LEAT_ADDRESS"] = address
    return env


def words(arguments):
    """As the system takes them: bytes may be any."""
    return [argument if isinstance(argument, bytes) else str(argument) for argument in arguments]


def run_leat(*arguments, stdin=b"", address=None):
    if isinstance(stdin, str):
        stdin = stdin.encode()
    done = subprocess.run([LEAT, *words(arguments)], input=stdin, capture_output=True, timeout=DEADLINE_S,
                          env=environment(address), check=False)
    return Result(done.returncode, done.stdout, done.stderr)


class CliTest(unittest.TestCase):
    """One daemon for all tests of a class; each test uses topics of its own."""

    leatd = None

    @classmethod
    def setUpClass(cls):
        cls.leatd = Leatd(LEATD)
        cls.leatd.start()

    @classmethod
    def tearDownClass(cls):
        cls.leatd.close()

    def setUp(self):
        self.topic = self.id().rsplit(".", 1)[-1].replace("test_", "")
        self.directory = tempfile.TemporaryDirectory(prefix="leat-cli-")
        self.addCleanup(self.directory.cleanup)

    def path(self, name, content=None):
        path = os.path.join(self.directory.name, name)
        if content is not None:
            with open(path, "wb") as file:
                file.write(content)
        return path

    def run_code(self, code, *arguments, stdin=b""):
        """Runs leat, demands the exit code, gives the result."""
        result = run_leat(*arguments, stdin=stdin, address=self.leatd.address)
        self.assertEqual(result.code, code, "leat %s\n%s%s" % (" ".join(map(str, arguments)), result.err,
                                                              result.out[-2000:].decode(errors="replace")))
        return result

    def leat(self, *arguments, stdin=b""):
        return self.run_code(OK, *arguments, stdin=stdin)

    def fails(self, code, *arguments, stdin=b"", says=()):
        """Demands the exit code, an error that begins as errors do, and words in it."""
        result = self.run_code(code, *arguments, stdin=stdin)
        self.assertIn("leat: ", result.err)
        for word in [says] if isinstance(says, str) else says:
            self.assertIn(word, result.err)
        return result

    def create(self, name, partitions=1, **settings):
        config = [word for setting in settings.items() for word in ("--config", "%s=%s" % setting)]
        self.leat("topic", "create", name, "-p", partitions, *config)

    def consume(self, topic, *arguments):
        return self.leat("consume", topic, "--exit-at-end", *arguments).lines

    def consume_json(self, topic, *arguments):
        return self.leat("consume", topic, "--exit-at-end", "-o", "json", *arguments).json_lines

    def popen(self, *arguments, **options):
        process = subprocess.Popen([LEAT, *map(str, arguments)], env=environment(self.leatd.address),
                                   stderr=subprocess.PIPE, **options)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                pipe.close()

    def on_terminal(self, *arguments, typed=b"", environ=(), columns=80):
        """Runs leat with a terminal for everything: (exit code, what the terminal showed)."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        env = {**environment(self.leatd.address), "TERM": "xterm", **dict(environ)}
        process = subprocess.Popen([LEAT, *map(str, arguments)], stdin=theirs, stdout=theirs, stderr=theirs, env=env)
        os.close(theirs)
        for part in [typed] if isinstance(typed, bytes) else typed:
            os.write(ours, part)
            time.sleep(0 if isinstance(typed, bytes) else 1)  # a person is slow
        shown = b""
        begin = time.monotonic()
        while time.monotonic() - begin < DEADLINE_S:
            if not select.select([ours], [], [], 0.1)[0]:
                continue
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            shown += part
        os.close(ours)
        return process.wait(timeout=DEADLINE_S), shown.decode(errors="replace")
