#!/usr/bin/env python3
"""Shows Leat at work on real input and proves what it promises.

Starts a broker on a free loopback port with a data directory of its own, then:
  1. produces the Debian package index (one record per package) with durable acknowledgements, or the lines of
     --input FILE, consumes everything back and compares key, value and order per partition byte for byte;
  2. produces again, kills the broker with kill -9 in the middle, starts it again, and checks that every
     acknowledged record is at its acknowledged offset;
  3. replays a time range into a second topic and compares.
Exits non-zero with a line that says what is wrong on any mismatch.
"""
import argparse
import base64
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

PARTITIONS = 4
DEADLINE_S = 120  # for any single step; nothing here may hang


class Mismatch(Exception):
    """What was promised is not what was found."""


class NoInput(Exception):
    """There is nothing to show Leat at work on."""


class Progress:
    """One changing line on a terminal, nothing elsewhere."""

    def __init__(self):
        self.on = sys.stderr.isatty()

    def show(self, text):
        if self.on:
            sys.stderr.write("\r\x1b[K  " + text)
            sys.stderr.flush()

    def done(self, text):
        if self.on:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
        print("  " + text, flush=True)


progress = Progress()


def package_records():
    """(key, value, headers) of each stanza of the Debian package index."""
    try:
        run = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, check=False)
    except OSError as problem:
        raise NoInput(f"apt-cache cannot be run ({problem.strerror}); use --input FILE") from None
    records = []
    for stanza in run.stdout.split(b"\n\n"):
        if not stanza.strip():
            continue
        fields = dict(line.split(b": ", 1) for line in stanza.split(b"\n")
                      if b": " in line and not line.startswith(b" "))
        if b"Package" in fields:
            records.append((fields[b"Package"], stanza, ((b"section", fields.get(b"Section", b"")),)))
    if not records:
        raise NoInput("apt-cache dumpavail gives no packages; run 'apt-get update', or use --input FILE")
    return records


def file_records(path):
    try:
        with open(path, "rb") as file:
            records = [(None, line.rstrip(b"\n"), ()) for line in file]
    except OSError as problem:
        raise NoInput(f"cannot read {path}: {problem.strerror}") from None
    if not records:
        raise NoInput(f"{path} is empty; one record a line is wanted")
    return records


def text_field(target, name, value):
    """Puts bytes under `name`, or under `name`_base64 where they are not UTF-8."""
    if value is None:
        target[name] = None
        return
    try:
        target[name] = value.decode()
    except UnicodeDecodeError:
        target[name + "_base64"] = base64.b64encode(value).decode()


def bytes_field(source, name):
    if name + "_base64" in source:
        return base64.b64decode(source[name + "_base64"])
    value = source.get(name)
    return None if value is None else value.encode()


def to_json(record):
    key, value, headers = record
    line = {}
    text_field(line, "key", key)
    text_field(line, "value", value)
    line["headers"] = []
    for name, content in headers:
        header = {"key": name.decode()}
        text_field(header, "value", content)
        line["headers"].append(header)
    return json.dumps(line).encode() + b"\n"


def from_json(line):
    headers = tuple((header["key"].encode(), bytes_field(header, "value"))
                    for header in line.get("headers", []))
    return (bytes_field(line, "key"), bytes_field(line, "value"), headers)


def digest(records):
    """SHA-256 over key, value and headers of records in their order; lengths keep fields apart."""
    sha = hashlib.sha256()
    for key, value, headers in records:
        flat = [key, value] + [part for header in headers for part in header]
        for part in flat:
            sha.update(b"-1;" if part is None else b"%d;" % len(part) + part)
        sha.update(b"|%d" % len(headers))
    return sha.hexdigest()


class Broker:
    def __init__(self, bin_dir, home):
        self.bin_dir = bin_dir
        self.home = home
        self.data = home / "data"
        self.log = open(home / "leatd.log", "ab")
        self.process = None
        self.address = "127.0.0.1:0"

    def start(self):
        port_file = self.home / "port"
        port_file.unlink(missing_ok=True)
        begin = time.monotonic()
        self.process = subprocess.Popen(
            [self.bin_dir / "leatd", "--data-dir", self.data, "--listen", self.address,
             "--port-file", port_file], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            start_new_session=True)
        while not port_file.exists() or not port_file.read_text().endswith("\n"):
            if self.process.poll() is not None or time.monotonic() - begin > DEADLINE_S:
                raise Mismatch(f"leatd did not start; its log is {self.home / 'leatd.log'}")
            time.sleep(0.002)
        self.address = port_file.read_text().strip()
        os.environ["LEAT_ADDRESS"] = self.address
        return time.monotonic() - begin

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                status = self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.kill()
                raise Mismatch("leatd did not stop within 30 s of SIGTERM") from None
            if status != 0:
                raise Mismatch(f"leatd ended with exit code {status}")

    def command(self, *arguments):
        return [self.bin_dir / "leat", *arguments]

    def run(self, *arguments):
        run = subprocess.run(self.command(*arguments), capture_output=True, timeout=DEADLINE_S,
                             stdin=subprocess.DEVNULL, check=False)
        if run.returncode != 0:
            raise Mismatch(f"leat {' '.join(map(str, arguments))} failed: {run.stderr.decode().strip()}")
        return run.stdout

    def info(self):
        return json.loads(self.run("server", "info", "-o", "json"))


def produce(broker, topic, path, total):
    """Produces a file of JSON lines; gives the reports in input order and the seconds it took."""
    begin = time.monotonic()
    reports = []
    with subprocess.Popen(broker.command("produce", topic, "--input-format", "json", "--report", "json",
                                         "--quiet", path), stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            reports.append(line)
            if len(reports) % 2000 == 0:
                progress.show(f"produced {len(reports):,} of {total:,}")
    seconds = time.monotonic() - begin
    if process.returncode != 0:
        raise Mismatch(f"leat produce {topic} ended with exit code {process.returncode}")
    return [json.loads(line) for line in reports], seconds


def consume(broker, topic):
    """All records of a topic: {partition: [(offset, record)]} in the order delivered, and the seconds it took."""
    begin = time.monotonic()
    run = subprocess.run(broker.command("consume", topic, "--from", "start", "--exit-at-end", "-o", "json"),
                         stdout=subprocess.PIPE, timeout=DEADLINE_S, check=False)
    seconds = time.monotonic() - begin
    if run.returncode != 0:
        raise Mismatch(f"leat consume {topic} ended with exit code {run.returncode}")
    partitions = {}
    for line in run.stdout.splitlines():
        row = json.loads(line)
        partitions.setdefault(row["partition"], []).append((row["offset"], from_json(row)))
    return partitions, seconds


def place(records, reports):
    """What was acknowledged: {partition: [(offset, record)]} in offset order."""
    if len(records) != len(reports):
        raise Mismatch(f"{len(records)} records were sent, {len(reports)} acknowledged")
    partitions = {}
    for record, report in zip(records, reports):
        if report["level"] != "durable":
            raise Mismatch(f"a record was acknowledged as {report['level']}, not durable")
        partitions.setdefault(report["partition"], []).append((report["offset"], record))
    return {partition: sorted(rows, key=lambda row: row[0]) for partition, rows in partitions.items()}


def compare(what, sent, found):
    """Demands equal offsets and equal SHA-256 of both sides, partition by partition."""
    if sent.keys() != found.keys():
        raise Mismatch(f"{what}: partitions {sorted(sent)} were sent, {sorted(found)} were read")
    for partition, rows in sent.items():
        if [row[0] for row in rows] != [row[0] for row in found[partition]]:
            raise Mismatch(f"{what}: partition {partition}: offsets read are not those acknowledged "
                           f"({len(rows)} sent, {len(found[partition])} read)")
        ours = digest(row[1] for row in rows)
        theirs = digest(row[1] for row in found[partition])
        if ours != theirs:
            raise Mismatch(f"{what}: partition {partition}: SHA-256 {ours} sent, {theirs} read")


def size_of(records):
    return sum(len(key or b"") + len(value or b"") + sum(len(n) + len(v or b"") for n, v in headers)
               for key, value, headers in records)


def round_trip(broker, records, path):
    broker.run("topic", "create", "packages", "--partitions", str(PARTITIONS))
    reports, produce_s = produce(broker, "packages", path, len(records))
    sent = place(records, reports)
    progress.show("consuming")
    found, consume_s = consume(broker, "packages")
    compare("round trip", sent, found)
    progress.done(f"{len(records):,} records produced durably, consumed, and equal in every partition (SHA-256)")
    return reports, sent, produce_s, consume_s


def crash(broker, records, path):
    """Kills the broker while a producer writes; the producer goes on by itself when it is back."""
    broker.run("topic", "create", "crash", "--partitions", str(PARTITIONS))
    producer = subprocess.Popen(broker.command("produce", "crash", "--input-format", "json", "--report", "json",
                                               "--quiet"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        return crash_under(broker, records, path, producer)
    finally:
        if producer.poll() is None:
            producer.kill()
            producer.wait()


def crash_under(broker, records, path, producer):
    lines = path.read_bytes().splitlines(keepends=True)
    reports = []
    reader = threading.Thread(target=lambda: reports.extend(producer.stdout), daemon=True)
    reader.start()
    third = max(1, len(lines) // 3)
    chunk = min(500, third)
    a_third_sent = threading.Event()

    def feed():
        with producer.stdin:
            for at in range(0, len(lines), chunk):
                producer.stdin.write(b"".join(lines[at:at + chunk]))
                producer.stdin.flush()
                if at + chunk >= third:
                    a_third_sent.set()
                time.sleep(0.001)

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    if not a_third_sent.wait(DEADLINE_S):
        raise Mismatch(f"the producer took less than a third of its input in {DEADLINE_S} s")
    begin = time.monotonic()
    while not reports and time.monotonic() - begin < DEADLINE_S and producer.poll() is None:
        time.sleep(0.001)
    before = len(reports)
    broker.kill()
    progress.show(f"killed with {before:,} of {len(lines):,} acknowledged; starting again")
    restart_s = broker.start()
    feeder.join(DEADLINE_S)
    if producer.wait(timeout=DEADLINE_S) != 0:
        raise Mismatch(f"the producer did not get over the crash: exit code {producer.returncode}")
    reader.join(DEADLINE_S)
    recovery = broker.info()["recovery"]
    if recovery["clean"]:
        raise Mismatch("the broker took the start after kill -9 for a clean one")
    acked = place(records, [json.loads(line) for line in reports])
    found, _ = consume(broker, "crash")
    total = 0
    for partition, rows in acked.items():
        there = dict(found.get(partition, []))
        for offset, record in rows:
            if there.get(offset) != record:
                raise Mismatch(f"after the crash: partition {partition} offset {offset} was acknowledged and is "
                               + ("different" if offset in there else "gone"))
        total += len(there)
    progress.done(f"kill -9 after {before:,} acknowledgements: all {len(records):,} acknowledged records are at "
                  "their offsets")
    return {"acknowledged_before_kill": before, "restart_s": restart_s, "recovery": recovery,
            "repeated": total - len(records)}


def replay(broker, reports, sent):
    """Replays the middle half of the time range and compares with the records that lie in it."""
    times = sorted(report["timestamp_ms"] for report in reports)
    low, high = times[len(times) // 4], times[len(times) * 3 // 4]
    if low == high:
        low, high = times[0], times[-1] + 1
    stamp = {(report["partition"], report["offset"]): report["timestamp_ms"] for report in reports}
    broker.run("topic", "create", "replayed", "--partitions", str(PARTITIONS))
    broker.run("replay", "packages", "--from", f"@{low}", "--to", f"@{high}", "--into", "replayed")
    expected = {}
    for partition, rows in sent.items():
        inside = [record for offset, record in rows if low <= stamp[(partition, offset)] < high]
        if inside:
            expected[partition] = list(enumerate(inside))
    found, _ = consume(broker, "replayed")
    compare("replay", expected, found)
    count = sum(map(len, expected.values()))
    progress.done(f"{count:,} records of a time range replayed into a second topic, and equal")
    return count


def print_table(rows):
    width = max(len(name) for name, _ in rows)
    print()
    for name, value in rows:
        print(f"  {name:<{width}}  {value}")
    print()


def run(options, home):
    begin = time.monotonic()
    broker = Broker(options.bin, home)
    source = f"lines of {options.input}" if options.input else "Debian package index"
    records = file_records(options.input) if options.input else package_records()
    try:
        start_s = broker.start()
        print(f"leatd runs on {broker.address}, data in {broker.data}", flush=True)
        path = home / "input.jsonl"
        with open(path, "wb") as file:
            file.writelines(map(to_json, records))
        reports, sent, produce_s, consume_s = round_trip(broker, records, path)
        crashed = crash(broker, records, path)
        replayed = replay(broker, reports, sent)
        path.unlink()
        megabytes = size_of(records) / 1e6
        recovery = crashed["recovery"]
        print_table([
            ("input", f"{source}: {len(records):,} records, {megabytes:.1f} MB, {PARTITIONS} partitions"),
            ("start of the broker", f"{start_s * 1000:.0f} ms"),
            ("produced, durable", f"{len(records) / produce_s:,.0f} records/s, {megabytes / produce_s:.0f} MB/s"),
            ("consumed", f"{len(records) / consume_s:,.0f} records/s, {megabytes / consume_s:.0f} MB/s"),
            ("kill -9, restart", f"{crashed['restart_s'] * 1000:.0f} ms until it served again"),
            ("recovery", f"{recovery['batches_scanned']:,} batches read again, "
                         f"{recovery['bytes_cut']:,} bytes of a torn tail cut"),
            ("acknowledged and lost", "0"),
            ("sent twice by retries", f"{crashed['repeated']:,}"),
            ("replayed", f"{replayed:,} records"),
            ("time in all", f"{time.monotonic() - begin:.1f} s"),
        ])
        if options.keep:
            print(f"The broker goes on (process {broker.process.pid}); stop it with: kill {broker.process.pid}")
            print("Try it:")
            print(f"  export LEAT_ADDRESS={broker.address}")
            print(f"  {options.bin}/leat topic list")
            shown = "%v" if options.input else "%k %h"
            print(f"  {options.bin}/leat consume packages --from -3 --exit-at-end --format '{shown}\\n'")
            print(f"Its data stays in {home} until you remove it.")
        else:
            broker.stop()
    except BaseException:
        if broker.process and broker.process.poll() is None:
            broker.kill()
        raise


def end_in_order(number, _frame):
    """What was started is stopped and removed on the way out; more signals would break that off."""
    for other in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(other, signal.SIG_IGN)
    sys.exit(128 + number)


def main():
    parser = argparse.ArgumentParser(prog="tools/quickstart", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", metavar="FILE", help="one record a line instead of the package index")
    parser.add_argument("--keep", action="store_true", help="leave the broker running and say how to use it")
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("build/release/bin"),
                        help=argparse.SUPPRESS)
    parser.add_argument("--check-arguments", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.input and not os.path.exists(options.input):
        parser.error(f"no such file: {options.input}")
    if options.input and os.path.isdir(options.input):
        parser.error(f"{options.input} is a directory; name a file with one record a line")
    if options.check_arguments:
        return 0
    options.bin = options.bin.resolve()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end_in_order)
    home = pathlib.Path(tempfile.mkdtemp(prefix="leat-quickstart-"))
    try:
        run(options, home)
    except NoInput as problem:
        print(f"quickstart: {problem}", file=sys.stderr)
        shutil.rmtree(home, ignore_errors=True)
        return 1
    except Mismatch as problem:
        print(f"quickstart: {problem}", file=sys.stderr)
        log = home / "leatd.log"
        if log.exists():
            print("the broker's last words:\n" + "\n".join(log.read_text().splitlines()[-10:]), file=sys.stderr)
        shutil.rmtree(home, ignore_errors=True)
        return 1
    except KeyboardInterrupt:
        shutil.rmtree(home, ignore_errors=True)
        print("interrupted", file=sys.stderr)
        return 130
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise
    if not options.keep:
        shutil.rmtree(home)
    return 0


if __name__ == "__main__":
    sys.exit(main())
