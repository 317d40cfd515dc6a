"""Batches that must not be stored, and questions about what does not exist: each gets its named error, for its own
partition alone."""

import gzip
import random
import struct
import time

import daemon
import leat_client as leat
from daemon import T
from leat_client import LeatError, Record, build_batch, pb, seal_batch

MIB = 1 << 20
NAME = "n" * 249
# Where fields stand in a batch, and the part that the CRC covers.
AT_LENGTH, AT_EPOCH, AT_MAGIC, AT_CRC, AT_ATTRIBUTES, AT_LAST_DELTA = 8, 12, 16, 17, 21, 23
AT_BASE_TIME, AT_MAX_TIME, AT_PRODUCER, AT_PRODUCER_EPOCH, AT_SEQUENCE, AT_COUNT, AT_RECORDS = 27, 35, 43, 51, 53, 57, 61


def changed(batch, at, form, *values, seal=True):
    """`batch` with other bytes at `at`, its CRC made to fit unless told not to."""
    out = bytearray(batch)
    struct.pack_into(form, out, at, *values)
    return seal_batch(bytes(out[21:])) if seal else bytes(out)


def compressed(codec, records_bytes, count=1):
    """A batch of one codec whose compressed part is given."""
    head = leat._BATCH_REST.pack(leat.CODECS[codec], count - 1, T, T, -1, -1, -1, count)
    return seal_batch(head + records_bytes)


def zstd_bomb(megabytes):
    """A zstd frame of run-length blocks, 128 KiB of output for each four bytes (RFC 8878, 3.1.1)."""
    block_bytes = 128 * 1024
    blocks = megabytes * MIB // block_bytes
    frame = b"\x28\xb5\x2f\xfd" + b"\x00" + bytes([0x38])  # no content size; window of 128 KiB
    for i in range(blocks):
        frame += struct.pack("<I", (block_bytes << 3) | (1 << 1) | (i == blocks - 1))[:3] + b"\0"
    return frame


def with_record(body):
    """One uncompressed batch of one record whose body is given as bytes, its length in front."""
    return compressed("none", leat.encode_varint(len(body)) + body)


class BadBatchTest(daemon.DaemonTest):

    @classmethod
    def setUpClass(cls):
        cls.leatd = daemon.Daemon()
        cls.addClassCleanup(cls.leatd.close)
        cls.leatd.start()

    def setUp(self):
        self.topic = self.id().rsplit(".", 1)[1]
        self.connection = self.client(self.leatd)

    def name_of(self, result):
        return leat.ERRORS[result.error.code][0]

    def assert_refused(self, name, batch, topic=None):
        """That error, a message, nothing appended; and what stands around it in the same request is appended."""
        topic = topic or self.topic
        good = build_batch([Record(b"good", timestamp_ms=T)])
        before = [len(daemon.read_batches(self.connection, topic, p)) for p in range(3)]
        end = self.connection.list_offset(topic, 1, pb.OffsetQuery.END).offset
        results = self.connection.produce([(topic, 0, good), (topic, 1, batch), (topic, 2, good), (topic, 2, good)])
        self.assertEqual([self.name_of(r) for r in results], ["NONE", name, "NONE", "NONE"], results[1].error.message)
        self.assertTrue(results[1].error.message)
        self.assertEqual(results[1].base_offset, -1)
        after = [len(daemon.read_batches(self.connection, topic, p)) for p in range(3)]
        self.assertEqual(after, [before[0] + 1, before[1], before[2] + 2])
        self.assertEqual(self.connection.list_offset(topic, 1, pb.OffsetQuery.END).offset, end)
        return results[1].error.message

    def test_every_rule(self):
        self.connection.create_topic(self.topic, 3)
        two = build_batch([Record(b"a", timestamp_ms=T), Record(b"b", timestamp_ms=T + 1)])
        body = b"\0\0\0\1\2x\0"  # attributes, deltas, no key, value "x", no headers
        cases = {
            "no bytes": ("CORRUPT_BATCH", b""),
            "a few bytes": ("CORRUPT_BATCH", two[:16]),
            "cut header": ("CORRUPT_BATCH", two[:60]),
            "cut records": ("CORRUPT_BATCH", two[:-1]),
            "crc": ("CORRUPT_BATCH", changed(two, AT_CRC, ">I", 12345, seal=False)),
            "a flipped bit": ("CORRUPT_BATCH", changed(two, len(two) - 3, "B", two[-3] ^ 1, seal=False)),
            "length too small": ("CORRUPT_BATCH", changed(two, AT_LENGTH, ">i", 48, seal=False)),
            "length negative": ("CORRUPT_BATCH", changed(two, AT_LENGTH, ">i", -1, seal=False)),
            "length enormous": ("CORRUPT_BATCH", changed(two, AT_LENGTH, ">i", 0x7FFFFFFF, seal=False)),
            "trailing bytes": ("INVALID_BATCH", two + b"x"),
            "two batches in one entry": ("INVALID_BATCH", two + two),
            "magic 0": ("INVALID_BATCH", changed(two, AT_MAGIC, "b", 0, seal=False)),
            "magic 1": ("INVALID_BATCH", changed(two, AT_MAGIC, "b", 1, seal=False)),
            "magic 3": ("INVALID_BATCH", changed(two, AT_MAGIC, "b", 3, seal=False)),
            "base offset": ("INVALID_BATCH", changed(two, 0, ">q", 7, seal=False)),
            "base offset negative": ("INVALID_BATCH", changed(two, 0, ">q", -7, seal=False)),
            "count too large": ("INVALID_BATCH", changed(changed(two, AT_COUNT, ">i", 3), AT_LAST_DELTA, ">i", 2)),
            "count too small": ("INVALID_BATCH", changed(changed(two, AT_COUNT, ">i", 1), AT_LAST_DELTA, ">i", 0)),
            "count 0": ("INVALID_BATCH", changed(changed(two, AT_COUNT, ">i", 0), AT_LAST_DELTA, ">i", -1)),
            "count negative": ("INVALID_BATCH", changed(two, AT_COUNT, ">i", -5)),
            "count enormous": ("INVALID_BATCH", changed(changed(two, AT_COUNT, ">i", 0x7FFFFFFF), AT_LAST_DELTA, ">i",
                                                        0x7FFFFFFE)),
            "last delta": ("INVALID_BATCH", changed(two, AT_LAST_DELTA, ">i", 9)),
            "codec 5": ("UNSUPPORTED_CODEC", changed(two, AT_ATTRIBUTES, ">h", 5)),
            "codec 7": ("UNSUPPORTED_CODEC", changed(two, AT_ATTRIBUTES, ">h", 7)),
            "append time bit": ("INVALID_TIMESTAMP", changed(two, AT_ATTRIBUTES, ">h", 1 << 3)),
            "transactional without producer": ("INVALID_BATCH", changed(two, AT_ATTRIBUTES, ">h", 1 << 4)),
            "control bit": ("INVALID_BATCH", changed(two, AT_ATTRIBUTES, ">h", 1 << 5)),
            "delete horizon bit": ("INVALID_BATCH", changed(two, AT_ATTRIBUTES, ">h", 1 << 6)),
            "unused bit": ("INVALID_BATCH", changed(two, AT_ATTRIBUTES, ">h", 1 << 7)),
            "top bit": ("INVALID_BATCH", changed(two, AT_ATTRIBUTES, ">h", -32768)),
            "producer id": ("INVALID_BATCH", changed(two, AT_PRODUCER, ">q", -2)),
            "producer without sequence": ("INVALID_BATCH", changed(two, AT_PRODUCER, ">qhi", 5, 0, -1)),
            "max timestamp": ("INVALID_TIMESTAMP", changed(two, AT_MAX_TIME, ">q", T + 100)),
            "max before base": ("INVALID_TIMESTAMP", changed(two, AT_MAX_TIME, ">q", T - 100)),
            "negative timestamp": ("INVALID_TIMESTAMP", changed(two, AT_BASE_TIME, ">qq", -5, -5)),
            "record cut": ("INVALID_BATCH", with_record(body[:-2])),
            "record with more bytes": ("INVALID_BATCH", with_record(body + b"x")),
            "header count negative": ("INVALID_BATCH", with_record(body[:-1] + leat.encode_varint(-1))),
            "header count enormous": ("INVALID_BATCH", with_record(body[:-1] + leat.encode_varint(1 << 30))),
            "value length enormous": ("INVALID_BATCH", with_record(body[:4] + leat.encode_varint(1 << 30) + b"x\0")),
            "value length -2": ("INVALID_BATCH", with_record(body[:4] + leat.encode_varint(-2) + b"x\0")),
            "record length enormous": ("INVALID_BATCH", compressed("none", leat.encode_varint(1 << 30) + body)),
            "endless varint": ("INVALID_BATCH", compressed("none", b"\xff" * 40)),
            "offset delta": ("INVALID_BATCH", with_record(b"\0\0" + leat.encode_varint(1) + body[3:])),
            "no records": ("INVALID_BATCH", compressed("none", b"")),
            "too large": ("BATCH_TOO_LARGE", build_batch([Record(b"x" * (4 * MIB), timestamp_ms=T)])),
        }
        for what, (name, batch) in cases.items():
            with self.subTest(what):
                self.assert_refused(name, batch)

    def test_timestamps_out_of_the_topics_range(self):
        self.connection.create_topic(self.topic, 3, {"timestamp_before_max_ms": "1h", "timestamp_after_max_ms": "1h"})
        now = int(time.time() * 1000)
        hour = 3600 * 1000
        good = build_batch([Record(b"good", timestamp_ms=now)])
        self.assertEqual(self.connection.produce([(self.topic, 1, good)])[0].error.code, 0)
        for when in (now - 2 * hour, now + 2 * hour, 0, (1 << 62)):
            result = self.connection.produce([(self.topic, 1, build_batch([Record(b"x", timestamp_ms=when)]))])[0]
            self.assertEqual(self.name_of(result), "INVALID_TIMESTAMP", when)
        result = self.connection.produce([(self.topic, 1, build_batch(  # the second record only
            [Record(b"x", timestamp_ms=now), Record(b"x", timestamp_ms=now - 2 * hour)]))])[0]
        self.assertEqual(self.name_of(result), "INVALID_TIMESTAMP")
        self.assertEqual(len(daemon.read_batches(self.connection, self.topic, 1)), 1)

    def compressed_cases(self):
        """What may hide behind a codec, by name."""
        records = build_batch([Record(b"a", timestamp_ms=T)])[AT_RECORDS:]
        return {
            "gzip bomb": compressed("gzip", gzip.compress(bytes(200 * MIB))),
            "gzip bomb in members": compressed("gzip", b"".join(gzip.compress(bytes(20 * MIB)) for _ in range(4))),
            "gzip bomb that says it is empty": compressed("gzip", gzip.compress(bytes(200 * MIB))[:-4] + bytes(4)),
            "zstd bomb": compressed("zstd", zstd_bomb(10000)),
            "gzip garbage": compressed("gzip", b"\x1f\x8b" + bytes(50)),
            "zstd garbage": compressed("zstd", b"\x28\xb5\x2f\xfd" + b"\xff" * 50),
            "snappy garbage": compressed("snappy", b"\xff\xff\xff\xff\x0f" + b"\xff" * 50),
            "snappy size declared": compressed("snappy", b"\xff\xff\xff\xff\x0f"),
            "lz4 garbage": compressed("lz4", b"\x04\x22\x4d\x18" + b"\xff" * 50),
            "cut gzip": compressed("gzip", gzip.compress(records)[:-6]),
            "wrong count": compressed("gzip", gzip.compress(records), 2),
            "wrong count, far off": compressed("gzip", gzip.compress(records * 5000), 100000),
            "count near 2^31": compressed("gzip", gzip.compress(records), 0x7FFFFFFF),
            "nothing inside": compressed("gzip", gzip.compress(b"")),
            "not compressed at all": compressed("zstd", records),
        }

    def test_what_hides_behind_a_codec(self):
        """Small batches and those that may be bombs are opened on any topic, all of them with validation = deep."""
        deep = self.topic + "-deep"
        self.connection.create_topic(self.topic, 3)
        self.connection.create_topic(deep, 3, {"validation": "deep"})
        records = build_batch([Record(b"a", timestamp_ms=T)])[AT_RECORDS:]
        before = self.leatd.rss_bytes()
        for topic in (self.topic, deep):
            good = compressed("gzip", gzip.compress(records))
            self.assertEqual(self.connection.produce([(topic, 1, good)])[0].error.code, 0)
            for what, batch in self.compressed_cases().items():
                with self.subTest(what, topic=topic):
                    results = self.connection.produce([(topic, 0, batch), (topic, 2, build_batch([Record(b"a")]))])
                    self.assertIn(self.name_of(results[0]), ("INVALID_BATCH", "CORRUPT_BATCH"), results[0].error.message)
                    self.assertTrue(results[0].error.message)
                    self.assertEqual(results[1].error.code, 0)
            self.assertEqual(len(daemon.read_batches(self.connection, topic, 0)), 0)
            self.assertEqual(len(daemon.read_batches(self.connection, topic, 2)), len(self.compressed_cases()))
        self.assertLess(self.leatd.rss_bytes() - before, 160 * MIB)

    def test_a_batch_that_nobody_opened_breaks_no_search(self):
        """What a topic of validation = header or parse lets through is the reader's matter, and only there."""
        self.connection.create_topic(self.topic, 1)
        self.connection.create_topic(self.topic + "-deep", 1, {"validation": "deep"})
        noise = random.Random(1).randbytes(3000)
        records = build_batch([Record(noise, timestamp_ms=T)])[AT_RECORDS:]
        wrong_count = compressed("gzip", gzip.compress(records), 3)
        result = self.connection.produce([(self.topic + "-deep", 0, wrong_count)])[0]
        self.assertEqual(self.name_of(result), "INVALID_BATCH")
        for batch in (build_batch([Record(b"a", timestamp_ms=T - 5)]), wrong_count,
                      build_batch([Record(b"b", timestamp_ms=T + 5)])):
            self.assertEqual(self.connection.produce([(self.topic, 0, batch)])[0].error.code, 0)
        for timestamp_ms, offset, found_ms in ((T - 5, 0, T - 5), (T - 1, 1, T), (T + 1, 4, T + 5), (T + 9, 5, -1)):
            answer = self.connection.list_offset(self.topic, 0, pb.OffsetQuery.TIMESTAMP, timestamp_ms)
            self.assertEqual((answer.offset, answer.timestamp_ms), (offset, found_ms))

    def test_limit_of_the_topic(self):
        self.connection.create_topic(self.topic, 3, {"batch_bytes_max": "1000", "segment_bytes": "1KiB"})
        fits = build_batch([Record(b"x" * 900, timestamp_ms=T)])
        self.assertEqual(self.connection.produce([(self.topic, 0, fits)])[0].error.code, 0)
        message = self.assert_refused("BATCH_TOO_LARGE", build_batch([Record(b"x" * 1000, timestamp_ms=T)]))
        self.assertIn("1000", message)

    def test_nothing_of_it_after_a_restart(self):
        self.connection.create_topic(self.topic, 1)
        good = build_batch([Record(b"x", timestamp_ms=T)])
        for batch in (good, changed(good, AT_CRC, ">I", 1, seal=False), good, good + good, good):
            self.connection.produce([(self.topic, 0, batch)])
        self.leatd.kill()
        self.leatd.start()
        with self.leatd.client() as client:
            self.assertEqual([base for base, _, _ in daemon.read_batches(client, self.topic)], [0, 1, 2])
            self.assertEqual(client.server_info().recovery.bytes_cut, 0)


class UnknownThingsTest(daemon.DaemonTest):

    @classmethod
    def setUpClass(cls):
        cls.leatd = daemon.Daemon(auto_create_topics="false", partitions_per_topic_max="100")
        cls.addClassCleanup(cls.leatd.close)
        cls.leatd.start()
        with cls.leatd.client() as client:
            client.create_topic("known", 3)
            for partition in range(3):
                client.produce([("known", partition, daemon.Stamped(4, 10).batch(1, 2, 3))])

    def setUp(self):
        self.connection = self.client(self.leatd)
        self.good = build_batch([Record(b"x", timestamp_ms=T)])

    def test_unknown_topic_and_partition(self):
        results = self.connection.produce([("unknown", 0, self.good), ("known", 1, self.good), ("known", 3, self.good),
                                           ("known", 4294967295, self.good)])
        self.assertEqual([leat.ERRORS[r.error.code][0] for r in results],
                         ["UNKNOWN_TOPIC", "NONE", "UNKNOWN_PARTITION", "UNKNOWN_PARTITION"])
        self.assertIn("unknown", results[0].error.message)
        self.assertIn("3", results[2].error.message)
        fetched = self.connection.fetch([("unknown", 0, 0), ("known", 0, 0), ("known", 3, 0)])
        self.assertEqual([leat.ERRORS[r.error.code][0] for r, _ in fetched],
                         ["UNKNOWN_TOPIC", "NONE", "UNKNOWN_PARTITION"])
        self.assertEqual(len(leat.decode_batches(fetched[1][1])), 4)
        for call in (self.connection.describe_topic, self.connection.delete_topic, self.connection.alter_topic):
            self.assert_error("UNKNOWN_TOPIC", call, "unknown")
        self.assertEqual(leat.ERRORS[self.connection.metadata(["unknown"])[0].error.code][0], "UNKNOWN_TOPIC")
        self.assertEqual([t.name for t in self.connection.metadata()], ["known"])

    def test_offsets_out_of_range(self):
        for offset in (-1, -(1 << 63), 5, (1 << 63) - 1):
            (result, data), = self.connection.fetch([("known", 0, offset)])
            self.assertEqual((leat.ERRORS[result.error.code][0], data), ("OFFSET_OUT_OF_RANGE", b""), offset)
            self.assertEqual((result.log_start_offset, result.visible_offset), (0, 4))
            self.assertIn("4", result.error.message)

    def test_invalid_names(self):
        for name in ("", ".", "..", "a b", "a/b", "../up", "ä", "a\n", "a\0b", NAME + "n", "n" * 100000, "a:b", "__mine"):
            with self.subTest(name[:20]):
                self.assert_error("INVALID_TOPIC_NAME", self.connection.create_topic, name, 1)
                result = self.connection.produce([(name, 0, self.good), ("known", 1, self.good)])
                self.assertEqual([leat.ERRORS[r.error.code][0] for r in result], ["INVALID_TOPIC_NAME", "NONE"])
        for name in (NAME, "a", "...", "_", "-", "0", "a.b_c-D", "a-0", "known-1"):
            with self.subTest(name):
                self.connection.create_topic(name, 2)
                self.assertEqual(self.connection.produce([(name, 1, self.good)])[0].error.code, 0)
                self.assertEqual(len(daemon.read_batches(self.connection, name, 1)), 1)
                self.connection.delete_topic(name)

    def test_partition_counts(self):
        for count in (101, 1 << 31, 4294967295):
            self.assert_error("INVALID_PARTITION_COUNT", self.connection.create_topic, "many", count)
        self.assert_error("INVALID_PARTITION_COUNT", self.connection.alter_topic, "known", partitions=2)
        self.assert_error("INVALID_PARTITION_COUNT", self.connection.alter_topic, "known", partitions=101)
        self.assertEqual(self.connection.metadata(["known"])[0].partition_count, 3)

    def test_settings(self):
        message = self.assert_error("INVALID_CONFIG", self.connection.create_topic, "t", 1, {"segment_byte": "1MiB"}).message
        self.assertIn("segment_bytes", message)
        for name, value in (("segment_bytes", "1"), ("segment_bytes", "lots"), ("durability", "maybe"), ("flush_ms", "-1")):
            self.assertIn(name, self.assert_error("INVALID_CONFIG", self.connection.create_topic, "t", 1, {name: value}).message)
            self.assert_error("INVALID_CONFIG", self.connection.alter_topic, "known", {name: value})
        self.assert_error("TOPIC_EXISTS", self.connection.create_topic, "known", 1)


if __name__ == "__main__":
    daemon.main()
