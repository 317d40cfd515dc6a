"""leat produce and leat consume: what goes in comes out, and how it is chosen and printed."""

import base64
import json
import os
import time

from cli_base import FAILED, NOT_FOUND, USAGE, CliTest, run_leat


class ProduceTest(CliTest):

    def test_lines_are_values(self):
        self.leat("produce", self.topic, stdin=b"a\n\n\0\xff\r\nlast")
        self.assertEqual(self.leat("consume", self.topic, "-e").out, b"a\n\n\0\xff\r\nlast\n")

    def test_files_and_standard_input(self):
        one, two = self.path("one", b"1\n2\n"), self.path("two", b"5")
        self.leat("produce", self.topic, one, "-", two, stdin="3\n4\n")
        self.assertEqual(self.consume(self.topic), ["1", "2", "3", "4", "5"])
        self.fails(NOT_FOUND, "produce", self.topic, self.path("missing"), says="missing")
        self.fails(FAILED, "produce", self.topic, self.directory.name, says="directory")

    def test_nothing_is_nothing(self):
        self.create(self.topic)
        self.leat("produce", self.topic)
        self.assertEqual(self.consume(self.topic), [])

    def test_keys_headers_partition(self):
        self.create(self.topic, 3)
        self.leat("produce", self.topic, "--key-delimiter", "\\t", "-H", "h=1", "-H", "e=", "--header", "eq=a=b",
                  "-p", 2, "-k", "default", stdin="k\tv\tw\nnone\n")
        first, second = self.consume_json(self.topic)
        self.assertEqual((first["partition"], first["key"], first["value"]), (2, "k", "v\tw"))
        self.assertEqual(first["headers"], [{"key": "h", "value": "1"}, {"key": "e", "value": ""},
                                            {"key": "eq", "value": "a=b"}])
        self.assertEqual((second["key"], second["value"]), ("default", "none"))

    def test_same_key_same_partition(self):
        self.create(self.topic, 8)
        self.leat("produce", self.topic, "--key-delimiter", ":", stdin="".join("k%d:%d\n" % (i % 5, i) for i in range(50)))
        places = {}
        for record in self.consume_json(self.topic):
            places.setdefault(record["key"], set()).add(record["partition"])
        self.assertEqual([len(found) for found in places.values()], [1] * 5)

    def test_null(self):
        self.leat("produce", self.topic, "--key-delimiter", ":", "--null", stdin=":v\nk:\n")
        self.leat("produce", self.topic, "--key-delimiter", ":", "--null=NIL", stdin="NIL:\nk:NIL\n")
        self.assertEqual([(r["key"], r["value"]) for r in self.consume_json(self.topic)],
                         [(None, "v"), ("k", None), (None, ""), ("k", None)])
        self.assertEqual(self.consume(self.topic, "--null", "-", "--key-delimiter", ":"), ["-:v", "k:-", "-:", "k:-"])

    def test_json_takes_everything(self):
        self.create(self.topic, 2)
        lines = [
            {"key": "k", "value": "v\u00e4\n", "headers": [{"key": "h", "value": "x"}, {"key": "h", "value": None}],
             "timestamp": 1700000000123, "partition": 1},
            {"key_base64": base64.b64encode(b"\xff\0").decode(), "value": None, "headers": {"a": "1"}, "partition": 1,
             "timestamp": "2023-11-14T22:13:20.456Z"},
            {"value_base64": "", "partition": 1, "headers": [{"key": "b", "value_base64": "/w=="}]},
        ]
        self.leat("produce", self.topic, "--input-format", "json", stdin="\n".join(map(json.dumps, lines)))
        one, two, three = self.consume_json(self.topic)
        self.assertEqual(one, dict(lines[0], topic=self.topic, offset=0))
        self.assertEqual((two["key_base64"], two["value"], two["timestamp"]), ("/wA=", None, 1700000000456))
        self.assertEqual(two["headers"], [{"key": "a", "value": "1"}])
        self.assertEqual((three["key"], three["value"]), (None, ""))
        self.assertEqual(three["headers"], [{"key": "b", "value_base64": "/w=="}])
        self.assertAlmostEqual(three["timestamp"] / 1000, time.time(), delta=60)

    def test_what_consume_prints_produce_takes(self):
        self.leat("produce", self.topic, "-H", "h=\u00e4", "--key-delimiter", ":", stdin=b"k:\xff\nl:x\n")
        printed = self.leat("consume", self.topic, "-e", "-o", "json").out
        self.leat("produce", self.topic + "2", "--input-format", "json", stdin=printed)
        again = self.leat("consume", self.topic + "2", "-e", "-o", "json").text
        self.assertEqual(again, printed.decode().replace('"%s"' % self.topic, '"%s2"' % self.topic))

    def test_bad_json_stops_with_its_line(self):
        for line, says in [("nonsense", "not JSON"), ("[]", "object"), ('{"vlaue":1}', "vlaue"), ('{"value":1}', "value"),
                           ('{"headers":[{}]}', "key"), ('{"partition":"x"}', "partition"), ('{"key":"a","key_base64":"Yg=="}', "key_base64"), ('{"value":1,}', "column")]:
            result = self.fails(FAILED, "produce", self.topic, "--input-format", "json",
                                stdin='{"value":"ok"}\n%s\n{"value":"never"}\n' % line, says=["stdin:2", says])
            self.assertNotIn("never", result.err)
            self.assertIn("1 record is acknowledged, stdin:2 is the first that is not", result.err)
        self.assertEqual(set(self.consume(self.topic)), {"ok"})

    def test_blank_lines_between_json_lines(self):
        self.leat("produce", self.topic, "--input-format", "json", stdin='{"value":"a"}\r\n\n  \t\r\n{"value":"b"}\n\n')
        self.assertEqual(self.consume(self.topic), ["a", "b"])

    def test_says_where_it_stopped(self):
        """File and line of the first record that was not acknowledged, and how many were."""
        self.create(self.topic, 1, batch_bytes_max="1KiB")
        one, two = self.path("one", b"1\n2\n"), self.path("two", b"3\n" + b"x" * 5000 + b"\n")
        done = self.fails(FAILED, "produce", self.topic, one, two, "--batch-bytes", 100,
                          says=[two + ":2: ", "are acknowledged", two + ":2 is the first that is not"])
        self.assertIn("3 records are acknowledged", done.err)
        done = self.fails(FAILED, "produce", self.topic, one, two, "--batch-bytes", 100, "-q", "-o", "json",
                          says="3 records are acknowledged")
        self.assertEqual((done.json["records"], done.json["first_not_acknowledged"]), (3, two + ":2"))
        self.assertEqual(done.json["bytes"], 3)
        done = self.fails(FAILED, "produce", self.topic, one, self.directory.name,
                          says=["2 records are acknowledged", self.directory.name + ":1 is the first that is not"])
        done = self.fails(NOT_FOUND, "produce", self.topic, one, self.path("missing"), says="cannot open")
        self.assertNotIn("records to", done.err)
        self.assertEqual(self.consume(self.topic).count("1"), 3, "a missing file is seen before anything is sent")
        done = self.fails(FAILED, "produce", "bad/name", stdin="x\n", says="0 records are acknowledged, stdin:1")
        self.assertNotIn("records/s", done.err)

    def test_summary_as_json(self):
        done = self.leat("produce", self.topic, "-o", "json", "-k", "ke", stdin="a\nb\n")
        self.assertEqual({name: done.json[name] for name in ("topic", "records", "bytes", "failed", "first_not_acknowledged")},
                         {"topic": self.topic, "records": 2, "bytes": 6, "failed": 0, "first_not_acknowledged": None})
        self.assertEqual(done.err, "")

    def test_empty_null_and_odd_bytes(self):
        """Empty is not null; bytes survive in key, value and headers; a CR belongs to the line."""
        self.create(self.topic, 1)
        self.leat("produce", self.topic, "--key-delimiter", ":", "-H", b"h\xfe=\xff\x01", "-H", "e=",
                  stdin=b":v\nk:\n:\nplain\n\xff\0:\xfe\r\n\xc3\xa4:last")
        records = self.consume_json(self.topic)
        self.assertEqual([(r.get("key", r.get("key_base64")), r.get("value", r.get("value_base64"))) for r in records],
                         [("", "v"), ("k", ""), ("", ""), (None, "plain"), ("/wA=", "/g0="), ("\u00e4", "last")])
        for record in records:
            self.assertEqual(record["headers"], [{"key_base64": "aP4=", "value_base64": "/wE="}, {"key": "e", "value": ""}])
        self.leat("replay", self.topic, "--into", self.topic + "_copy", "-q")
        self.assertEqual([dict(r, topic=self.topic) for r in self.consume_json(self.topic + "_copy")], records)
        self.create(self.topic + "_null", 1)
        self.leat("produce", self.topic + "_null", "--key-delimiter", ":", "--null", stdin=":v\nk:\n:\n\n")
        self.assertEqual([(r["key"], r["value"]) for r in self.consume_json(self.topic + "_null")],
                         [(None, "v"), ("k", None), (None, None), (None, None)])
        shown = self.leat("consume", self.topic + "_null", "-e", "-f", "%k=%v,%K,%V\\n", "--null", "NULL").lines
        self.assertEqual(shown[0].split(",")[0], "NULL=v")

    def test_report(self):
        self.create(self.topic, 4)
        lines = ["k%d:%d" % (i % 7, i) for i in range(3000)]
        reports = self.leat("produce", self.topic, "--key-delimiter", ":", "--report", "json", "--batch-bytes", "1KiB",
                            stdin="\n".join(lines)).json_lines
        self.assertEqual(len(reports), 3000)
        self.assertEqual(set(reports[0]), {"topic", "partition", "offset", "timestamp_ms", "level", "provisional"})
        self.assertEqual({report["level"] for report in reports}, {"durable"})
        stored = {(r["partition"], r["offset"]): r["key"] + ":" + r["value"] for r in self.consume_json(self.topic)}
        self.assertEqual([stored[(r["partition"], r["offset"])] for r in reports], lines)

    def test_reports_come_while_input_is_open(self):
        process = self.popen("produce", self.topic, "--report", "json", stdin=-1, stdout=-1)
        for i in range(3):
            process.stdin.write(b"%d\n" % i)
            process.stdin.flush()
            self.assertEqual(json.loads(process.stdout.readline())["offset"], i)
        process.stdin.close()
        self.assertEqual(process.wait(timeout=30), 0)
        process.stdin = None

    def test_levels_and_codecs(self):
        for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
            self.leat("produce", self.topic, "--compression", codec, stdin=codec * 100 + "\n")
        self.assertEqual(self.consume(self.topic), [c * 100 for c in ("none", "gzip", "snappy", "lz4", "zstd")])
        report = self.leat("produce", self.topic, "--acks", "written", "--report", "json", stdin="w\n").json
        self.assertIn(report["level"], ("written", "durable"))
        report = self.leat("produce", self.topic, "--acks", "none", "--report", "json", stdin="n\n").json
        self.assertEqual((report["level"], report["offset"]), ("none", -1))
        deadline = time.monotonic() + 20
        while len(self.consume(self.topic)) < 7 and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(self.consume(self.topic)[-2:], ["w", "n"])

    def test_summary_unless_quiet(self):
        self.assertIn("2 records to the new topic '%s'" % self.topic, self.leat("produce", self.topic, stdin="a\nb\n").err)
        self.assertIn("1 record to '%s'" % self.topic, self.leat("produce", self.topic, stdin="a\n").err)
        self.assertEqual(self.leat("produce", self.topic, "-q", stdin="a\n").err, "")

    def test_bad_usage(self):
        for arguments in (["--acks", "most"], ["--compression", "rar"], ["--header", "novalue"], ["--header", "=x"],
                          ["-p", "-1"], ["-p", "x"], ["--batch-bytes", "huge"], ["--linger", "5"], ["--report", "xml"],
                          ["--input-format", "json", "--null"], ["--input-format", "json", "--key-delimiter", ":"],
                          ["--key-delimiter", "\\q"]):
            self.fails(USAGE, "produce", self.topic, *arguments, stdin="x\n")
        self.assertNotIn(self.topic, self.leat("topic", "list", "-o", "name").lines)

    def test_batches_fit_the_topic(self):
        self.create(self.topic, 1, batch_bytes_max="2KiB")
        lines = "".join("%d %s\n" % (i, "x" * 100) for i in range(1000))
        self.leat("produce", self.topic, stdin=lines)
        self.assertEqual(self.leat("consume", self.topic, "-e").text, lines)
        self.leat("topic", "create", self.topic + "_copy", "-c", "batch_bytes_max=1KiB")
        self.leat("replay", self.topic, "--into", self.topic + "_copy")
        self.assertEqual(self.leat("consume", self.topic + "_copy", "-e").text, lines)

    def test_refused_records(self):
        self.create(self.topic, 2, batch_bytes_max="1KiB")
        self.fails(NOT_FOUND, "produce", self.topic, "-p", 2, stdin="x\n", says=["stdin:1", "0 to 1"])
        self.fails(FAILED, "produce", self.topic, "--batch-bytes", "100", stdin="fine\n" + "x" * 5000 + "\n", says="stdin:2")
        self.assertIn("fine", self.consume(self.topic))
        self.fails(FAILED, "produce", "bad/name", stdin="x\n", says="bad/name")
        self.fails(FAILED, "produce", self.topic, "--input-format", "json", says="stdin:1",
                   stdin='{"value":"late","timestamp":9000000000000000}')

    def test_very_long_line(self):
        with open(self.path("long"), "wb") as file:
            file.truncate(40 * 1024 * 1024)
        self.fails(FAILED, "produce", self.topic, self.path("long"), says=["long:1", "longer than"])


class ConsumeTest(CliTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        lines = [json.dumps({"key": "k%d" % i, "value": "v%d" % i, "timestamp": 1700000000000 + i * 1000, "partition": 0})
                 for i in range(100)]
        for topic, partitions in (("hundred", 1), ("four", 4)):
            run_leat("topic", "create", topic, "-p", partitions, address=cls.leatd.address)
            if topic == "four":
                lines = [json.dumps(dict(json.loads(line), partition=i % 4)) for i, line in enumerate(lines)]
            produced = run_leat("produce", topic, "--input-format", "json", stdin="\n".join(lines),
                                address=cls.leatd.address)
            assert produced.code == 0, produced.err

    def offsets(self, *arguments):
        return [int(line) for line in self.consume("hundred", "-f", "%o\\n", *arguments)]

    def test_positions(self):
        for arguments, expected in [
                ([], range(100)), (["--from", "start"], range(100)), (["--from", "end"], []), (["--from", "97"], range(97, 100)),
                (["--from", "-3"], range(97, 100)), (["--from", "+98"], range(98, 100)), (["--from", "-1000"], range(100)),
                (["--from", "100"], []), (["--to", "3"], range(3)), (["--from", "10", "--to", "20"], range(10, 20)),
                (["--from", "10", "--to", "10"], []), (["--from", "-5", "--to", "-2"], range(95, 98)),
                (["--from", "98", "--to", "200"], range(98, 100)), (["--offset", "10:12"], range(10, 12)),
                (["--offset", ":2"], range(2)), (["--offset", "98:"], range(98, 100)), (["--offset", "-2"], range(98, 100)),
                (["--offset", "97:end"], range(97, 100))]:
            self.assertEqual(self.offsets(*arguments), list(expected), arguments)

    def test_times(self):
        for arguments, expected in [
                (["--from", "@1700000098000"], range(98, 100)), (["--from", "@1700000097001"], range(98, 100)),
                (["--from", "@2023-11-14T22:13:20Z", "--to", "@2023-11-14T22:13:23Z"], range(3)),
                (["--from", "@2023-11-15T00:13:21+02:00", "--to", "@1700000003000"], range(1, 3)),
                (["--offset", "@2023-11-14T22:13:20Z:2s"], range(2)), (["--from", "@-10m"], []), (["--from", "@0", "--to", "1"], [0]),
                (["--from", "@2023-01-01", "--to", "@2023-11-14T22:13:21Z"], [0]), (["--to", "@2023-11-14"], []),
                (["--from", "@now"], [])]:
            self.assertEqual(self.offsets(*arguments), list(expected), arguments)

    def test_bad_positions(self):
        for text in ("first", "1.5", "@", "@tomorrow", "@2023-13-45", "12x"):
            self.fails(USAGE, "consume", "hundred", "-e", "--from", text, says=text)
        self.fails(USAGE, "consume", "hundred", "--from", "20", "--to", "10", says="ends before it begins")
        self.fails(USAGE, "consume", "hundred", "--from", "1", "--offset", "2:3")
        self.fails(USAGE, "consume", "hundred", "--partitions", "2-1", says="2-1")
        self.fails(FAILED, "consume", "hundred", "-e", "--from", "101", says=["101", "0 to 99"])

    def test_unknown(self):
        self.fails(NOT_FOUND, "consume", "hundrd", "-e", says=["hundrd", "did you mean 'hundred'", "four"])
        self.fails(NOT_FOUND, "consume", "four", "-e", "--partitions", "1,4", says=["partition 4", "0 to 3"])

    def test_count_ends_without_exit_at_end(self):
        self.assertEqual(self.leat("consume", "hundred", "-n", 2).lines, ["v0", "v1"])
        self.assertEqual(self.leat("consume", "hundred", "-n", 0).lines, [])
        self.assertEqual(self.leat("consume", "hundred", "--from", "-2", "--to", "end").lines, ["v98", "v99"])

    def test_partitions(self):
        rows = [line.split() for line in self.consume("four", "--partitions", "0,2-3", "-f", "%p %o\\n")]
        self.assertEqual({int(row[0]) for row in rows}, {0, 2, 3})
        self.assertEqual(len(rows), 75)
        self.assertEqual(len(self.consume("four", "--from", "20", "--to", "22")), 8)
        self.assertEqual(len(self.consume("four", "--from", "-1")), 4)

    def test_format(self):
        self.leat("produce", self.topic, "-H", "a=1", "-H", "b=2", "-k", "key", stdin="value\n")
        line = self.leat("consume", self.topic, "-e", "--format", "%t|%p|%o|%k|%v|%h|%K|%V|%H|%i|%%\\t\\x41\\n").text
        self.assertEqual(line, self.topic + "|0|0|key|value|a=1,b=2|3|5|2|1|%\tA\n")
        self.assertEqual(self.leat("consume", "hundred", "-n", 1, "-f", "%T %d\\n").text, "1700000000000 2023-11-14T22:13:20.000Z\n")
        self.assertEqual(self.consume("hundred", "--from", "-1", "--key-delimiter", "="), ["k99=v99"])
        for wrong in ("%q", "%", "\\q"):
            self.fails(USAGE, "consume", "hundred", "-e", "-f", wrong, says=wrong)
        self.fails(USAGE, "consume", "hundred", "-e", "-f", "%v", "-o", "json")

    def test_json(self):
        self.assertEqual(self.consume_json("hundred", "--to", "1"), [
            {"topic": "hundred", "partition": 0, "offset": 0, "timestamp": 1700000000000, "key": "k0", "value": "v0",
             "headers": []}])

    def test_many_records(self):
        lines = b"".join(b"%07d %s\n" % (i, b"x" * 90) for i in range(200000))
        self.create(self.topic, 1)
        self.leat("produce", self.topic, self.path("lines", lines))
        self.assertTrue(self.leat("consume", self.topic, "-e").out == lines)
        self.assertEqual(os.path.getsize(self.path("lines")), len(lines))
