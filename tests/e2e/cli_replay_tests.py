"""leat replay, and how long-running commands end: pipes, head, Ctrl-C, a restart of the daemon."""

import json
import os
import signal
import subprocess
import threading
import time

from cli_base import FAILED, LEAT, NOT_FOUND, OK, UNREACHABLE, USAGE, CliTest, environment


class ReplayTest(CliTest):

    def fill(self, topic, count=40, partitions=4, step_ms=1000):
        self.create(topic, partitions)
        lines = [json.dumps({"key": "k%d" % i, "value": "v%d" % i, "headers": {"n": str(i)},
                             "timestamp": 1700000000000 + i * step_ms, "partition": (i * 7) % partitions})
                 for i in range(count)]
        self.leat("produce", topic, "--input-format", "json", stdin="\n".join(lines))

    def test_prints_in_order_of_time(self):
        self.fill(self.topic)
        result = self.leat("replay", self.topic)
        self.assertEqual(result.lines, ["v%d" % i for i in range(40)])
        self.assertIn("40 records", result.err)
        self.assertEqual(self.leat("replay", self.topic, "-q", "--from", "@1700000005000", "--to", "@1700000008000").lines,
                         ["v5", "v6", "v7"])
        self.assertEqual(self.leat("replay", self.topic, "-q").err, "")
        self.assertEqual(len(self.leat("replay", self.topic, "-o", "json").json_lines), 40)

    def test_copies_everything_of_a_record(self):
        self.fill(self.topic)
        copy = self.topic + "_copy"
        result = self.leat("replay", self.topic, "--into", copy)
        self.assertIn("40 records", result.err)
        self.assertEqual(result.out, b"")
        self.assertEqual(self.leat("topic", "describe", copy, "-o", "json").json["partitions"], 4)

        def rows(topic):
            return sorted((r["partition"], r["offset"], r["key"], r["value"], r["timestamp"], json.dumps(r["headers"]))
                          for r in self.consume_json(topic))
        self.assertEqual(rows(copy), rows(self.topic))

    def test_copies_into_other_partitions_by_key(self):
        self.fill(self.topic)
        self.create(self.topic + "_one", 1)
        summary = self.leat("replay", self.topic, "--into", self.topic + "_one", "--to", "@1700000010000", "-o", "json").json
        self.assertEqual((summary["records"], summary["failed"]), (10, 0))
        self.assertEqual(self.consume(self.topic + "_one"), ["v%d" % i for i in range(10)])

    def test_rate(self):
        self.fill(self.topic, 11)
        begin = time.monotonic()
        self.assertEqual(len(self.leat("replay", self.topic, "--rate", "20/s").lines), 11)
        self.assertGreaterEqual(time.monotonic() - begin, 0.5)

    def test_speed(self):
        self.fill(self.topic, 6, step_ms=400)
        begin = time.monotonic()
        self.assertEqual(len(self.leat("replay", self.topic, "--speed", "2x").lines), 6)
        took = time.monotonic() - begin
        self.assertGreaterEqual(took, 1.0)
        begin = time.monotonic()
        self.leat("replay", self.topic, "--into", self.topic + "_copy", "--speed", "4x")
        self.assertGreaterEqual(time.monotonic() - begin, 0.5)

    def test_bad_usage(self):
        self.create(self.topic)
        for arguments in (["--rate", "0"], ["--rate", "1/y"], ["--speed", "-1"], ["--rate", "1", "--speed", "1"],
                          ["--into", "x", "-f", "%v"], ["--from", "x"]):
            self.fails(USAGE, "replay", self.topic, *arguments)
        self.fails(NOT_FOUND, "replay", "reply_topic", says="reply_topic")
        self.fails(FAILED, "replay", self.topic, "--into", "bad/name", says="bad/name")
        self.assertEqual(self.leat("replay", self.topic).lines, [])

    def test_progress_on_a_terminal(self):
        self.fill(self.topic, 4, step_ms=400)
        code, shown = self.on_terminal("replay", self.topic, "--into", self.topic + "_copy", "--speed", "1x")
        self.assertEqual(code, OK)
        self.assertIn(" of 4 records", shown)


class GapTest(CliTest):
    """A range that is partly gone: what is left comes, what is gone is counted, the exit code tells."""

    def damage(self, topic, change):
        """30 batches of two records in several segments; `change` gets the paths of the segments of the stopped daemon."""
        self.create(topic, 1, segment_bytes="4KiB", index_interval_bytes="1KiB")
        for i in range(30):
            self.leat("produce", topic, "-q", stdin="%d %s\n%d %s\n" % (2 * i, "x" * 200, 2 * i + 1, "x" * 200))
        self.leatd.stop()
        directory = os.path.join(self.leatd.data_dir, "topics", topic + "-0")
        change([os.path.join(directory, name) for name in sorted(os.listdir(directory)) if name.endswith(".log")])
        self.leatd.start()

    @staticmethod
    def flip(path, position):
        with open(path, "r+b") as file:
            file.seek(position)
            byte = file.read(1)[0]
            file.seek(position)
            file.write(bytes([byte ^ 1]))

    def numbers(self, lines):
        return [int(line.split()[0]) for line in lines]

    def test_replay_goes_on_behind_a_damaged_batch(self):
        self.damage(self.topic, lambda paths: self.flip(paths[1], 100))
        first = int(self.leat("topic", "describe", self.topic, "-o", "json").json["partition_list"][0]["end_offset"])
        self.assertEqual(first, 60)
        done = self.fails(FAILED, "replay", self.topic, "--into", self.topic + "_copy", "-o", "json",
                          says=["58 records", "gone from the range: 2 offsets", "are damaged", "leat log verify"])
        self.assertEqual((done.json["records"], done.json["gone"]), (58, 2))
        gone, = done.json["gone_ranges"]
        self.assertEqual((gone["partition"], gone["to"] - gone["from"], gone["cause"]), (0, 2, "damaged"))
        left = [i for i in range(60) if not gone["from"] <= i < gone["to"]]
        self.assertEqual(self.numbers(self.consume(self.topic + "_copy")), left)
        shown = self.fails(FAILED, "consume", self.topic, "-e", says="are damaged")
        self.assertEqual(self.numbers(shown.lines), left)
        self.assertEqual(self.numbers(self.consume(self.topic, "--to", gone["from"])), left[:gone["from"]])
        self.assertEqual(self.numbers(self.consume(self.topic, "--from", gone["to"])), left[gone["from"]:])

    def test_replay_goes_on_where_the_damage_hides_the_next_batch(self):
        """A flipped byte in the count, the last offset delta or the base offset of a batch."""
        for name, at in (("count", 60), ("delta", 26), ("base", 7)):
            topic = self.topic + name
            self.damage(topic, lambda paths, at=at: self.flip(paths[1], at))
            done = self.fails(FAILED, "replay", topic, "--into", topic + "_copy", "-o", "json", says="damaged")
            self.assertEqual(done.json["records"] + done.json["gone"], 60, name)
            gone = {i for r in done.json["gone_ranges"] for i in range(r["from"], r["to"])}
            self.assertEqual(self.numbers(self.consume(topic + "_copy")), [i for i in range(60) if i not in gone], name)

    def test_replay_goes_on_behind_a_lost_segment(self):
        bases = []

        def change(paths):
            self.assertGreater(len(paths), 3)
            bases.extend(int(os.path.basename(path)[:20]) for path in paths)
            os.remove(paths[1])
        self.damage(self.topic, change)
        left = [i for i in range(60) if not bases[1] <= i < bases[2]]
        done = self.fails(FAILED, "replay", self.topic, "--into", self.topic + "_copy", "-o", "json",
                          says="%d records" % len(left))
        self.assertEqual((done.json["records"], done.json["gone"]), (len(left), bases[2] - bases[1]))
        self.assertEqual(self.numbers(self.consume(self.topic + "_copy")), left)
        part = self.fails(FAILED, "replay", self.topic, "--from", bases[1] + 1, "--to", bases[2] + 1,
                          says="offsets %d to %d" % (bases[1] + 1, bases[2] - 1))
        self.assertEqual(self.numbers(part.lines), [bases[2]])


class EndingTest(CliTest):

    def wait_for_lines(self, process, count):
        return [process.stdout.readline() for _ in range(count)]

    def test_head(self):
        self.leat("produce", self.topic, stdin="".join("%d\n" % i for i in range(100000)))
        for command in ("consume %s", "consume %s -e", "replay %s -q", "consume %s -o json"):
            script = "'%s' %s | head -n 3 | wc -l; echo ${PIPESTATUS[0]}" % (LEAT, command % self.topic)
            done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=True,
                                  env=environment(self.leatd.address))
            self.assertEqual((done.stdout.split(), done.stderr), (["3", "0"], ""), command)

    def test_reader_goes_away_while_nothing_comes(self):
        self.leat("produce", self.topic, stdin="a\nb\n")
        process = self.popen("consume", self.topic, stdout=-1)
        self.assertEqual(self.wait_for_lines(process, 2), [b"a\n", b"b\n"])
        process.stdout.close()
        process.stdout = None
        self.assertEqual(process.wait(timeout=20), OK)
        self.assertEqual(process.stderr.read(), b"")

    def test_consume_follows_and_ctrl_c_is_no_failure(self):
        self.create(self.topic)
        process = self.popen("consume", self.topic, "-f", "%o:%v\\n", stdout=-1)
        for i in range(3):
            self.leat("produce", self.topic, stdin="v%d\n" % i)
            self.assertEqual(process.stdout.readline(), b"%d:v%d\n" % (i, i))
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=20), OK)
        self.assertIn(b"3 records", process.stderr.read())
        self.assertEqual(process.stdout.read(), b"")

    def test_ctrl_c_in_produce_keeps_what_was_read(self):
        process = self.popen("produce", self.topic, "--report", "json", stdin=-1, stdout=-1)
        process.stdin.write(b"a\nb\nhalf")
        process.stdin.flush()
        self.assertEqual(len(self.wait_for_lines(process, 2)), 2)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=20), FAILED)
        self.assertIn(b"interrupted", process.stderr.read())
        self.assertEqual(self.consume(self.topic), ["a", "b"])

    def test_ctrl_c_at_the_end_of_input_sends_no_half_line(self):
        """The signal that ends the producing program in the middle of a line comes to this one at the same time."""
        for attempt in range(3):
            topic = "%s%d" % (self.topic, attempt)
            self.create(topic)
            process = self.popen("produce", topic, "--report", "json", stdin=-1, stdout=-1)
            process.stdin.write(b"whole\nhalf")
            process.stdin.flush()
            self.wait_for_lines(process, 1)
            process.send_signal(signal.SIGINT)
            process.stdin.close()
            process.stdin = None
            self.assertEqual(process.wait(timeout=20), FAILED)
            self.assertIn(b"1 record is acknowledged, stdin:2 is the first that is not", process.stderr.read())
            self.assertEqual(self.consume(topic), ["whole"])

    def test_ctrl_c_before_the_end_of_a_range_is_a_failure(self):
        """A dump that was cut must not pass for a whole one; only reading without an end ends well by Ctrl-C."""
        self.leat("produce", self.topic, stdin="a\nb\n")
        process = self.popen("consume", self.topic, "-n", 3, stdout=-1)
        self.wait_for_lines(process, 2)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=20), FAILED)
        self.assertIn(b"interrupted after 2 records", process.stderr.read())

    def test_bounded_reads_end_without_a_daemon(self):
        """A script must not hang for ever when the daemon goes away and stays away."""
        self.leat("produce", self.topic, stdin="a\nb\n")
        commands = (["consume", self.topic, "-n", "3"], ["consume", self.topic, "--to", "@+1h"])
        processes = [self.popen(*command, "--timeout", "1s", stdout=-1) for command in commands]
        endless = self.popen("consume", self.topic, "--timeout", "1s", stdout=-1)
        for process in [*processes, endless]:
            self.wait_for_lines(process, 2)
        self.leatd.kill()
        try:
            for process in processes:
                self.assertEqual(process.wait(timeout=60), UNREACHABLE)
                error = process.stderr.read()
                self.assertIn(b"no contact with the daemon", error)
                self.assertIn(b"read before that: 2 records", error)
            self.assertIn(b"waiting for the daemon", endless.stderr.readline())
            self.assertIsNone(endless.poll())
        finally:
            self.restart_on(self.leatd.address.rsplit(":", 1)[1])
        self.assertIn(b"the daemon is back", endless.stderr.readline())
        self.leat("produce", self.topic, stdin="c\n")
        self.assertEqual(endless.stdout.readline(), b"c\n")

    def test_no_progress_where_a_person_types(self):
        code, shown = self.on_terminal("produce", self.topic, typed=[b"one\n", b"two\n", b"\x04"])
        self.assertEqual(code, OK)
        self.assertNotIn("acknowledged", shown)
        self.assertEqual(self.consume(self.topic), ["one", "two"])

    def test_progress_fits_a_narrow_terminal(self):
        self.leat("produce", self.topic, stdin="a\nb\n")
        command = ["replay", self.topic, "--into", self.topic + "_copy", "--rate", "1/s"]
        code, shown = self.on_terminal(*command, columns=12)
        self.assertEqual(code, OK)
        self.assertIn("\r\x1b[K2 of 2 reco\r\x1b[K", shown)
        code, shown = self.on_terminal(*command, environ={"TERM": "dumb"})
        self.assertEqual((code, "\x1b" in shown), (OK, False))

    def test_ctrl_c_in_a_paced_replay(self):
        self.leat("produce", self.topic, stdin="a\nb\n")
        process = self.popen("replay", self.topic, "--rate", "1/h", stdout=-1)
        self.assertEqual(process.stdout.readline(), b"a\n")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=20), FAILED)
        self.assertIn(b"interrupted after 1", process.stderr.read())

    def test_produce_goes_on_after_kill_9(self):
        """The producer survives a kill -9 of the daemon; each acknowledged record is at its offset."""
        self.create(self.topic, 2)
        process = self.popen("produce", self.topic, "--report", "json", "-q", stdin=-1, stdout=-1)
        reports = []
        reader = threading.Thread(target=lambda: reports.extend(process.stdout))
        reader.start()
        port = self.leatd.address.rsplit(":", 1)[1]
        for i in range(400):
            process.stdin.write(b"%d\n" % i)
            process.stdin.flush()
            if i == 200:
                while not reports:
                    time.sleep(0.001)
                self.leatd.kill()
                self.restart_on(port)
        process.stdin.close()
        process.stdin = None
        self.assertEqual(process.wait(timeout=60), OK)
        reader.join()
        self.assertEqual(len(reports), 400)
        stored = {(r["partition"], r["offset"]): r["value"] for r in self.consume_json(self.topic)}
        for i, line in enumerate(reports):
            report = json.loads(line)
            self.assertEqual(stored[(report["partition"], report["offset"])], str(i))
        self.assertFalse(self.leat("server", "info", "-o", "json").json["recovery"]["clean"])

    def restart_on(self, port):
        """Starts the daemon again on the port it had."""
        begin = time.monotonic()
        while True:
            process = subprocess.Popen(
                [self.leatd.binary, "--data-dir", self.leatd.data_dir, "--listen", "127.0.0.1:" + port, "--port-file",
                 os.path.join(self.leatd.directory, "port2")], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
            self.leatd.process = process
            while process.poll() is None:
                if os.path.exists(os.path.join(self.leatd.directory, "port2")):
                    return
                time.sleep(0.01)
            self.assertLess(time.monotonic() - begin, 30, "the daemon does not start again")
