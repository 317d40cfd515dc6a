"""leat-bench from outside: every load gives its figures, and says what is wrong."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

import leatd_process

BENCH = pathlib.Path(os.environ["LEAT_BENCH"])
QUICK = ["--duration", "0.2", "--warm-up", "0.05"]


class BenchTest(unittest.TestCase):
    def setUp(self):
        home = tempfile.TemporaryDirectory()
        self.addCleanup(home.cleanup)
        self.home = home.name

    def run_bench(self, *words, code=0):
        run = subprocess.run([BENCH, *words], capture_output=True, text=True, timeout=120, check=False,
                             stdin=subprocess.DEVNULL)
        self.assertEqual(run.returncode, code, run.stdout + run.stderr)
        return run

    def figures(self, *words):
        output = self.run_bench(*words, "-o", "json", "--dir", self.home).stdout
        self.assertEqual(os.listdir(self.home), [], "leaves nothing behind")
        return json.loads(output)

    def test_floors(self):
        figures = self.figures("floors", "--duration", "0.05")
        for name in ("loopback_mb_s", "loopback_sendfile_mb_s", "page_cache_write_mb_s", "synced_write_512k_mb_s",
                     "sync_1k_p50_us", "round_trip_p50_us", "crc32c_65536_mb_s"):
            self.assertGreater(figures[name], 0, name)

    def test_produce_durable_next_to_its_floor(self):
        figures = self.figures("produce", *QUICK, "--partitions", "3", "--connections", "2", "--batch-bytes", "16KiB")
        for name in ("records_per_s", "mb_per_s", "floor_mb_s", "ratio_to_floor", "reply_p50_us", "broker_peak_mb"):
            self.assertGreater(figures[name], 0, name)

    def test_produce_without_durability(self):
        for ack in ("written", "none"):
            figures = self.figures("produce", *QUICK, "--acks", ack, "--record-bytes", "100", "--no-floor")
            self.assertGreater(figures["records_per_s"], 0)
            self.assertNotIn("floor_mb_s", figures)

    def test_consume(self):
        figures = self.figures("consume", *QUICK, "--total-bytes", "4MiB", "--partitions", "4", "--connections", "2")
        self.assertGreater(figures["ratio_to_floor"], 0)

    def test_latency_offers_what_it_was_told(self):
        figures = self.figures("latency", *QUICK, "--rate", "200", "--connections", "2")
        self.assertEqual(figures["offered_per_s"], 200)
        self.assertGreater(figures["latency_p50_us"], 0)
        self.assertGreaterEqual(figures["latency_samples"], 36)

    def test_null_broker_bounds_the_generator(self):
        for load in (["produce"], ["consume", "--total-bytes", "4MiB"]):
            self.assertGreater(self.figures(*load, *QUICK, "--null")["records_per_s"], 0)
        self.assertIn("null broker on 127.0.0.1:", self.run_bench("null").stdout)

    def test_unbatched_records_of_many_producers_over_many_partitions(self):
        figures = self.figures("produce", *QUICK, "--connections", "16", "--in-flight", "1", "--batch-bytes", "1",
                               "--partitions", "50", "--baseline-partitions", "1")
        self.assertEqual((figures["batch_records"], figures["batch_bytes"]), (1, 1024))
        self.assertGreater(figures["ratio_to_baseline"], 0)

    def test_large_batches_over_many_partitions(self):
        figures = self.figures("produce", "--duration", "1", "--warm-up", "0", "--connections", "2", "--batch-bytes",
                               "1MiB", "--partitions", "50")
        self.assertEqual((figures["batch_records"], figures["partitions"]), (1024, 50))
        self.assertGreater(figures["ratio_to_floor"], 0)

    def test_the_help_names_the_load_of_many_producers(self):
        text = self.run_bench("produce", "--help").stdout
        self.assertIn("--connections 64 --in-flight 1 --batch-bytes 1 --partitions 1000", text)
        self.assertIn("--batch-bytes 1MiB --partitions 1000", text)

    def test_start_gives_time_memory_and_creation(self):
        figures = self.figures("start", "--partitions", "20")
        for name in ("start_ms", "idle_mib", "create_s", "idle_with_partitions_mib"):
            self.assertGreater(figures[name], 0, name)

    def test_repeat_gives_median_and_spread(self):
        figures = self.figures("produce", *QUICK, "--repeat", "3")
        self.assertEqual(len(figures["runs"]), 3)
        for name in ("records_per_s", "floor_mb_s", "ratio_to_floor"):
            values = sorted(run[name] for run in figures["runs"])
            self.assertEqual([figures["min"][name], figures[name], figures["max"][name]], values, name)
        table = self.run_bench("produce", *QUICK, "--no-floor", "--repeat", "2", "--dir", self.home).stdout
        self.assertRegex(table, "produce, 2 runs +median +min +max")

    def test_short_runs_quote_no_figures_without_ground(self):
        figures = self.figures("consume", *QUICK, "--total-bytes", "1MiB", "--no-floor")
        self.assertGreater(figures["broker_cpu_s_per_gb"], 0)
        figures = self.figures("latency", *QUICK, "--rate", "200", "--no-floor")
        self.assertNotIn("latency_p99_us", figures, "40 samples have no 99th percentile")

    def test_wrong_usage_and_failures(self):
        self.run_bench(code=2)
        self.run_bench("latency", "--acks", "none", code=2)
        self.run_bench("latency", "--rate", "1", "--connections", "9", "--duration", "0.2", code=2)
        self.run_bench("produce", "--address", "127.0.0.1:1", "--set", "sync_threads=1", code=2)
        self.run_bench("produce", "--connections", "10000", "--batch-bytes", "1GiB", code=2)
        self.assertIn("cannot connect", self.run_bench("produce", "--address", "127.0.0.1:1", code=1).stderr)
        self.assertIn("/nowhere", self.run_bench("floors", "--dir", "/nowhere", "--duration", "0.05", code=1).stderr)

    def test_numbers_out_of_range_are_wrong_usage(self):
        for option, values in {"--record-bytes": ("0", "-1", "abc", "2GiB", ""), "--batch-bytes": ("0", "-1", "9TiB"),
                               "--connections": ("0", "-1", "10001", "1.5", "x"), "--partitions": ("0", "-1", "100001"),
                               "--duration": ("0", "-1", "nan", "inf", "x"), "--warm-up": ("-1", "nan"),
                               "--in-flight": ("0", "-1"), "--repeat": ("0", "-1"), "--acks": ("perhaps",),
                               "--output": ("xml",), "--baseline-partitions": ("0",)}.items():
            for value in values:
                # With the = the value belongs to the option, whatever it looks like.
                run = self.run_bench("produce", "--duration", "0.2", "--warm-up", "0", "--dir", self.home,
                                     "%s=%s" % (option, value), code=2)
                self.assertIn(option, run.stderr)
                self.assertLess(len(run.stderr), 200, run.stderr)
        for load, option, value in (("latency", "--rate", "0"), ("latency", "--rate", "nan"),
                                    ("consume", "--total-bytes", "0"), ("consume", "--fetch-bytes", "0"),
                                    ("null", "--port", "65536"), ("null", "--port", "-1")):
            self.assertIn(option, self.run_bench(load, "%s=%s" % (option, value), code=2).stderr)
        self.assertEqual(os.listdir(self.home), [])

    def test_unknown_words_are_named_with_the_nearest_known(self):
        self.assertIn("no command 'prodce'; did you mean 'produce'?", self.run_bench("prodce", code=2).stderr)
        self.assertIn("'--rekord-bytes'; did you mean '--record-bytes'?",
                      self.run_bench("produce", "--rekord-bytes", "1", code=2).stderr)
        self.assertIn("'perhaps' is none of durable, written, none",
                      self.run_bench("produce", "--acks", "perhaps", code=2).stderr)

    def test_the_brokers_own_error_is_the_runs_error(self):
        run = self.run_bench("produce", *QUICK, "--record-bytes", "5MiB", "--dir", self.home, code=1)
        self.assertIn("allowed are 4194304", run.stderr)
        self.assertEqual(run.stdout, "")

    def test_a_failed_start_shows_the_end_of_the_daemons_log(self):
        run = self.run_bench("produce", "--set", "nonsense=1", "--dir", self.home, code=1)
        self.assertIn('unknown setting "nonsense"', run.stderr)
        self.assertIn("exit code 2", run.stderr)
        self.assertEqual(os.listdir(self.home), [])


class ForeignBrokerTest(unittest.TestCase):
    """Against a broker that leat-bench did not start, with topics that are dear to somebody."""

    def setUp(self):
        self.daemon = leatd_process.Leatd(os.environ["LEATD"])
        self.addCleanup(self.daemon.close)
        self.daemon.start()

    def leat(self, *words, text=""):
        run = subprocess.run([os.environ["LEAT"], "--address", self.daemon.address, *words], input=text, text=True,
                             capture_output=True, timeout=60, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout

    def bench(self, *words, code=0):
        run = subprocess.run([BENCH, "produce", "--address", self.daemon.address, *QUICK, "--no-floor", *words],
                             capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(run.returncode, code, run.stdout + run.stderr)
        return run

    def topics(self):
        return self.leat("topic", "list", "-o", "name").split()

    def test_an_existing_topic_is_refused_and_keeps_its_records(self):
        self.leat("produce", "precious", text="1\n2\n3\n")
        self.assertIn("--recreate", self.bench("--topic", "precious", code=1).stderr)
        self.assertEqual(self.leat("consume", "precious", "-e"), "1\n2\n3\n")
        self.bench("--topic", "precious", "--recreate")
        self.assertEqual(self.topics(), [])

    def test_the_runs_own_topic_goes_with_the_run(self):
        self.bench("--repeat", "2")
        self.assertEqual(self.topics(), [])

    def test_a_signal_deletes_the_runs_topic(self):
        run = subprocess.Popen([BENCH, "produce", "--address", self.daemon.address, "--duration", "600", "--no-floor"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with run:
            wait_until(lambda: self.topics() == ["leat-bench"])
            run.send_signal(signal.SIGTERM)
            self.assertEqual(run.communicate(timeout=60), (b"", b""))
        self.assertEqual(run.returncode, -signal.SIGTERM)
        self.assertEqual(self.topics(), [])


class SignalTest(unittest.TestCase):
    """What leat-bench started never outlives it."""

    def setUp(self):
        home = tempfile.TemporaryDirectory()
        self.addCleanup(home.cleanup)
        self.home = pathlib.Path(home.name)

    def start(self):
        run = subprocess.Popen([BENCH, "produce", "--duration", "600", "--no-floor", "--dir", self.home],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(run.communicate)
        self.addCleanup(run.kill)
        children = pathlib.Path("/proc/%d/task/%d/children" % (run.pid, run.pid))
        wait_until(lambda: list(self.home.glob("leat-bench-*/port")))
        (daemon,) = map(int, children.read_text().split())
        self.addCleanup(end, daemon)
        return run, daemon

    def test_a_signal_stops_the_daemon_and_removes_its_directory(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            run, daemon = self.start()
            run.send_signal(number)
            self.assertEqual(run.communicate(timeout=60), (b"", b""))
            self.assertEqual(run.returncode, -number)
            self.assertFalse(alive(daemon))
            self.assertEqual(os.listdir(self.home), [])

    def test_the_daemon_ends_when_leat_bench_is_killed(self):
        run, daemon = self.start()
        run.kill()
        run.communicate(timeout=60)
        wait_until(lambda: not alive(daemon))


def alive(process):
    try:
        stat = pathlib.Path("/proc/%d/stat" % process).read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def end(process):
    if alive(process):
        os.kill(process, signal.SIGKILL)


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("did not happen within a minute")
        time.sleep(0.01)


if __name__ == "__main__":
    unittest.main()
