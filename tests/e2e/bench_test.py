"""leat-bench from outside: every load gives its figures, and says what is wrong."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

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
        for name in ("records_per_s", "mb_per_s", "floor_mb_s", "ratio_to_floor", "reply_p99_us", "broker_peak_mb"):
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

    def test_repeat_gives_one_report_each(self):
        output = self.run_bench("produce", *QUICK, "--no-floor", "--repeat", "2", "-o", "json", "--dir",
                                self.home).stdout
        self.assertEqual([json.loads(line)["benchmark"] for line in output.splitlines()], ["produce"] * 2)

    def test_wrong_usage_and_failures(self):
        self.run_bench(code=2)
        self.run_bench("produce", "--acks", "perhaps", code=2)
        self.run_bench("latency", "--acks", "none", code=2)
        self.assertIn("cannot connect", self.run_bench("produce", "--address", "127.0.0.1:1", code=1).stderr)
        self.assertIn("/nowhere", self.run_bench("floors", "--dir", "/nowhere", "--duration", "0.05", code=1).stderr)


if __name__ == "__main__":
    unittest.main()
