"""leatd as a stranger sees it who has read PROTOCOL.md: the Python client against a real daemon.

usage: python_client_test.py [--leatd PATH] [unittest options]; the path may also come from the environment, LEATD.
"""

import os
import random
import re
import socket
import struct
import sys
import time
import unittest

import leat_client as leat
from leat_client import Client, LeatError, Record, build_batch, decode_batches, pb
from leatd_process import Leatd

LEATD = os.environ.get("LEATD", "")
PROTOCOL_PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "protocol", "PROTOCOL.md")
T = 1700000000000


def records_of(count, start=0, size=20):
    return [Record(b"value %d " % i + b"x" * size, b"key %d" % i, [("n", b"%d" % i)], T + i)
            for i in range(start, start + count)]


def contents(records):
    return [(r.key, r.value, r.headers, r.timestamp_ms) for r in records]


class PageTest(unittest.TestCase):
    """The client against the page, without a daemon."""

    @staticmethod
    def example(name):
        with open(PROTOCOL_PAGE) as file:
            block = re.search("```%s\n(.*?)```" % name, file.read(), re.S).group(1)
        out = b""
        for line in block.splitlines():
            # what stands behind two or more spaces is a comment; what stands before them indents
            out += bytes.fromhex(re.split(r"\s{2,}", line.strip())[0])
        return out

    def parse(self, name, kind):
        frame = self.example(name)
        magic, rest, header = leat.PREFIX.unpack_from(frame)
        self.assertEqual((magic, rest), (leat.MAGIC, len(frame) - 12))
        return kind.FromString(frame[12:12 + header])

    def test_hello_example(self):
        request = pb.RequestHeader(correlation_id=1, hello=pb.HelloRequest(
            version_min=1, version_max=1, client_name="demo", client_version="1.0"))
        self.assertEqual(leat.encode_frame(request).hex(), self.example("hello-request").hex())
        reply = self.parse("hello-reply", pb.ResponseHeader)
        self.assertEqual((reply.correlation_id, reply.hello.version, reply.hello.server_version), (1, 1, "0.1.0"))
        self.assertEqual(reply.hello.limits.frame_bytes_max, 32 * 1024 * 1024)

    def test_produce_example(self):
        batch = build_batch([Record(b"hi", timestamp_ms=T)])
        request = pb.RequestHeader(correlation_id=2, produce=pb.ProduceRequest(
            timeout_ms=1000, partitions=[pb.ProducePartition(topic="t", partition=0, batch_bytes=len(batch))]))
        self.assertEqual(leat.encode_frame(request, batch).hex(), self.example("produce-request").hex())
        result = self.parse("produce-reply", pb.ResponseHeader).produce.results[0]
        self.assertEqual((result.error.code, result.base_offset, result.end_offset), (0, 41, 42))
        result = self.parse("produce-error", pb.ResponseHeader).produce.results[0]
        self.assertEqual((result.error.code, result.error.message, result.base_offset), (21, "no", -1))

    def test_error_table(self):
        with open(PROTOCOL_PAGE) as file:
            rows = re.findall(r"^\| (\d+) \| ([A-Z_]+) \| (yes|no) \|", file.read(), re.M)
        self.assertEqual({int(code): (name, retriable == "yes") for code, name, retriable in rows}, leat.ERRORS)

    def test_crc(self):
        self.assertEqual(leat.crc32c(b"123456789"), 0xE3069283)

    def test_golden_batch(self):
        golden = bytes.fromhex(
            "000000000000000000000048ffffffff029719140f0000000000010000018bcfe568000000018bcfe56805ffffffffffffffffffff"
            "ffffffff000000020e000000010261001c000a02026b010402680278026e01")
        records = [Record(b"a", timestamp_ms=T), Record(None, b"k", [("h", b"x"), ("n", None)], T + 5)]
        self.assertEqual(build_batch(records), golden)
        self.assertEqual(contents(decode_batches(golden)), contents(records))


class BrokerTest(unittest.TestCase):
    """One daemon for all tests of a class, one connection for each test."""

    @classmethod
    def setUpClass(cls):
        cls.leatd = Leatd(LEATD)
        cls.addClassCleanup(cls.leatd.close)
        cls.leatd.start()

    def setUp(self):
        self.client = Client(self.leatd.address)
        self.addCleanup(self.client.close)
        self.topic = re.sub("[^A-Za-z0-9]+", "-", self.id().split(".")[-1])

    def connect(self, **options):
        client = Client(self.leatd.address, **options)
        self.addCleanup(client.close)
        return client

    def raw(self, data=b""):
        sock = socket.create_connection(self.leatd.address.rsplit(":", 1), timeout=30)
        self.addCleanup(sock.close)
        sock.sendall(data)
        return sock

    def assert_fails(self, name, call, *args, **options):
        with self.assertRaises(LeatError) as caught:
            call(*args, **options)
        self.assertEqual(caught.exception.name, name, caught.exception.message)
        self.assertNotEqual(caught.exception.message, "")

    def assert_closed(self, client):
        """Nothing but the end comes; a reset is an end too."""
        try:
            with self.assertRaises(leat.ConnectionEnded):
                client.read_frame()
        except ConnectionError:
            pass

    def assert_alive(self):
        self.assertEqual(self.client.server_info().protocol_version_max, leat.VERSION)


class ConnectionTest(BrokerTest):

    def test_hello(self):
        limits = self.client.limits
        self.assertNotEqual(self.client.data_id, "")
        self.assertGreaterEqual(limits.frame_bytes_max, limits.batch_bytes_max)
        for name in ("fetch_bytes_max", "partitions_per_request_max", "partitions_per_topic_max", "fetch_wait_ms_max",
                     "connection_bytes_in_flight_max"):
            self.assertGreater(getattr(limits, name), 0, name)

    def test_version_range_is_met_at_the_highest_common(self):
        client = self.connect(hello=False)
        self.assertEqual(client.hello(0, 99).version, leat.VERSION)

    def test_no_common_version(self):
        for low, high in ((2, 9), (0, 0), (9, 1)):
            client = self.connect(hello=False)
            self.assert_fails("UNSUPPORTED_VERSION", client.hello, low, high)
            self.assert_closed(client)

    def test_hello_has_to_be_first(self):
        client = self.connect(hello=False)
        self.assert_fails("NOT_READY", client.metadata)
        self.assert_closed(client)

    def test_second_hello_is_refused_and_the_connection_stays(self):
        self.assert_fails("INVALID_REQUEST", self.client.hello)
        self.assert_alive()

    def test_first_frame_is_limited(self):
        client = self.connect(hello=False)
        request = pb.RequestHeader(correlation_id=1, hello=pb.HelloRequest(version_min=1, version_max=1,
                                                                            client_name="x" * 9000))
        client.socket.sendall(leat.encode_frame(request))
        header, _ = client.read_frame()
        self.assertEqual((leat.ERRORS[header.error.code][0], header.correlation_id), ("FRAME_TOO_LARGE", 0))
        self.assert_closed(client)

    def test_pipelining_behind_hello(self):
        client = self.connect(hello=False)
        first = client.send(hello=pb.HelloRequest(version_min=1, version_max=1))
        second = client.send(metadata=pb.MetadataRequest())
        self.assertEqual(client.wait(first)[0].version, 1)
        client.wait(second)

    def test_one_byte_at_a_time(self):
        client = self.connect(hello=False)
        data = leat.encode_frame(pb.RequestHeader(correlation_id=1, hello=pb.HelloRequest(version_min=1, version_max=1)))
        data += leat.encode_frame(pb.RequestHeader(correlation_id=2, metadata=pb.MetadataRequest()))
        for at in range(len(data)):
            client.socket.sendall(data[at:at + 1])
        self.assertEqual([client.read_frame()[0].correlation_id for _ in range(2)], [1, 2])

    def test_unknown_fields_are_ignored(self):
        unknown = bytes([0xA2, 0x7D, 3]) + b"new"  # field 2004, length-delimited
        header = pb.RequestHeader(correlation_id=77, metadata=pb.MetadataRequest()).SerializeToString() + unknown
        self.client.socket.sendall(leat.encode_frame(header))
        header, _ = self.client.read_frame()
        self.assertEqual((header.correlation_id, header.error.code), (77, 0))

    def test_unknown_request_is_refused_and_the_connection_stays(self):
        header = pb.RequestHeader(correlation_id=78).SerializeToString() + bytes([0xA2, 0x7D, 0])
        self.client.socket.sendall(leat.encode_frame(header))
        header, _ = self.client.read_frame()
        self.assertEqual((header.correlation_id, leat.ERRORS[header.error.code][0]), (78, "INVALID_REQUEST"))
        self.assert_alive()

    def test_payload_where_none_belongs(self):
        self.assert_fails("INVALID_REQUEST",
                          lambda: self.client.wait(self.client.send(b"payload", metadata=pb.MetadataRequest())))
        self.assert_alive()

    def test_garbage_closes_only_its_own_connection(self):
        hello = leat.encode_frame(pb.RequestHeader(correlation_id=1,
                                                   hello=pb.HelloRequest(version_min=1, version_max=1)))
        seeded = random.Random(1)
        garbage = [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"LEAX" + bytes(8),
                   b"LEAT" + struct.pack(">II", 0xFFFFFFFF, 10), b"LEAT" + struct.pack(">II", 10, 11) + bytes(10),
                   b"LEAT" + struct.pack(">II", 3, 3) + b"\xff\xff\xff",
                   hello + b"LEAT" + struct.pack(">II", 0x7FFFFFFF, 1 << 21), hello + b"garbage"]
        garbage += [seeded.randbytes(seeded.randrange(1, 500)) for _ in range(20)]
        for data in garbage:
            sock = self.raw(data)
            try:
                while sock.recv(65536):
                    pass
            except ConnectionError:
                pass
        self.assert_alive()

    def test_cut_frames_do_no_harm(self):
        data = leat.encode_frame(pb.RequestHeader(correlation_id=1, hello=pb.HelloRequest(version_min=1, version_max=1)))
        for cut in range(1, len(data)):
            self.raw(data[:cut]).close()
        self.assert_alive()

    def test_declared_size_is_not_allocated(self):
        sockets = []
        prefix = b"LEAT" + struct.pack(">II", self.client.limits.frame_bytes_max - 12, 100)
        hello = leat.encode_frame(pb.RequestHeader(correlation_id=1,
                                                   hello=pb.HelloRequest(version_min=1, version_max=1)))
        before = self.resident_bytes()
        for _ in range(50):
            sockets.append(self.raw(hello + prefix))
        self.assert_alive()
        self.assertLess(self.resident_bytes() - before, 50 * 1024 * 1024)

    def resident_bytes(self):
        with open("/proc/%d/statm" % self.leatd.process.pid) as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class TopicTest(BrokerTest):

    def test_create_and_metadata(self):
        reply = self.client.create_topic(self.topic, 3)
        self.assertTrue(reply.created)
        self.assertEqual(reply.partition_count, 3)
        topic = self.client.metadata([self.topic])[0]
        self.assertEqual((topic.name, topic.partition_count, topic.topic_id, topic.durability),
                         (self.topic, 3, reply.topic_id, pb.ACK_DURABLE))
        self.assertIn(self.topic, [t.name for t in self.client.metadata()])

    def test_create_twice(self):
        first = self.client.create_topic(self.topic, 2)
        self.assert_fails("TOPIC_EXISTS", self.client.create_topic, self.topic, 2)
        again = self.client.create_topic(self.topic, 5, if_not_exists=True)
        self.assertEqual((again.created, again.partition_count, again.topic_id), (False, 2, first.topic_id))

    def test_validate_only(self):
        reply = self.client.create_topic(self.topic, 2, validate_only=True)
        self.assertEqual((reply.created, reply.topic_id), (False, 0))
        self.assertEqual(self.client.metadata([self.topic])[0].error.code, 20)
        self.assert_fails("INVALID_CONFIG", self.client.create_topic, self.topic, 2, {"no_such": "1"}, validate_only=True)

    def test_names(self):
        for name in ("", ".", "..", "a b", "a/b", "ü", "x" * 250, "__own"):
            self.assert_fails("INVALID_TOPIC_NAME", self.client.create_topic, name, 1)
        for name in ("a.b_c-D9", "x" * 249, "..."):
            self.assertTrue(self.client.create_topic(name, 1).created)

    def test_partition_counts(self):
        most = self.client.limits.partitions_per_topic_max
        with self.assertRaises(LeatError) as caught:
            self.client.create_topic(self.topic, most + 1)
        self.assertIn(caught.exception.name, ("LIMIT_EXCEEDED", "INVALID_PARTITION_COUNT"))
        self.assertEqual(self.client.create_topic(self.topic).partition_count, 1)

    def test_settings(self):
        self.client.create_topic(self.topic, 1, {"segment_bytes": "1MiB"})
        settings = {s.name: s for s in self.client.describe_topic(self.topic).config}
        self.assertFalse(settings["segment_bytes"].is_default)
        self.assertTrue(settings["durability"].is_default)
        self.client.alter_topic(self.topic, {"durability": "written"}, reset=["segment_bytes"])
        settings = {s.name: s for s in self.client.describe_topic(self.topic).config}
        self.assertTrue(settings["segment_bytes"].is_default)
        self.assertEqual(settings["durability"].value, "written")
        self.assertEqual(self.client.metadata([self.topic])[0].durability, pb.ACK_WRITTEN)
        for setting in settings.values():
            self.assertNotEqual((setting.type, setting.doc), ("", ""), setting.name)
            self.client.alter_topic(self.topic, {setting.name: setting.value}, validate_only=True)
        for config in ({"no_such": "1"}, {"segment_bytes": "-1"}, {"durability": "maybe"}):
            self.assert_fails("INVALID_CONFIG", self.client.alter_topic, self.topic, config)

    def test_more_partitions_but_never_fewer(self):
        self.client.create_topic(self.topic, 2)
        self.client.produce_records(self.topic, 1, records_of(3))
        self.assertEqual(self.client.alter_topic(self.topic, partitions=4).partition_count, 4)
        self.assert_fails("INVALID_PARTITION_COUNT", self.client.alter_topic, self.topic, partitions=3)
        self.assertEqual(self.client.produce_records(self.topic, 3, records_of(1)), 0)
        self.assertEqual(len(self.client.read_records(self.topic, 1)), 3)

    def test_describe(self):
        self.client.create_topic(self.topic, 2)
        self.client.produce_records(self.topic, 1, records_of(5))
        described = self.client.describe_topic(self.topic)
        self.assertEqual(described.topic.name, self.topic)
        empty, filled = described.partitions
        self.assertEqual((empty.partition, empty.end_offset, filled.partition), (0, 0, 1))
        self.assertEqual((filled.log_start_offset, filled.durable_offset, filled.visible_offset, filled.end_offset),
                         (0, 5, 5, 5))
        self.assertGreater(filled.bytes, 0)
        self.assertNotEqual(empty.partition_id, filled.partition_id)

    def test_delete(self):
        first = self.client.create_topic(self.topic, 1)
        self.client.produce_records(self.topic, 0, records_of(5))
        self.client.delete_topic(self.topic)
        self.assertEqual(self.client.metadata([self.topic])[0].error.code, 20)
        for call in (self.client.delete_topic, self.client.describe_topic, self.client.alter_topic):
            self.assert_fails("UNKNOWN_TOPIC", call, self.topic)
        again = self.client.create_topic(self.topic, 1)
        self.assertNotEqual(again.topic_id, first.topic_id)
        self.assertEqual(self.client.read_records(self.topic, 0), [])

    def test_create_missing(self):
        unknown, = self.client.metadata([self.topic])
        self.assertEqual(leat.ERRORS[unknown.error.code][0], "UNKNOWN_TOPIC")
        created, = self.client.metadata([self.topic], create_missing=True)
        self.assertEqual((created.error.code, created.partition_count), (0, 1))


class ProduceTest(BrokerTest):

    def test_round_trip(self):
        self.client.create_topic(self.topic, 2)
        sent = {0: [], 1: []}
        for i in range(20):
            for partition, codec in ((0, "none"), (1, "gzip")):
                batch = records_of(1 + i % 7, start=i * 10)
                offset = self.client.produce_records(self.topic, partition, batch, codec)
                self.assertEqual(offset, len(sent[partition]))
                sent[partition] += batch
        for partition in (0, 1):
            got = self.client.read_records(self.topic, partition)
            self.assertEqual(contents(got), contents(sent[partition]))
            self.assertEqual([r.offset for r in got], list(range(len(got))))

    def test_every_kind_of_record(self):
        records = [Record(None, timestamp_ms=T), Record(b"", b"", [], T + 5), Record(b"\0\xff" * 3, None, [("", None)], T),
                   Record(b"v", b"k", [("a", b""), ("a", b"2"), ("ü", None)], T - 1000), Record(b"z" * 100000, timestamp_ms=T)]
        for codec in ("none", "gzip"):
            self.client.produce_records(self.topic, 0, records, codec)
        self.assertEqual(contents(self.client.read_records(self.topic, 0)), contents(records * 2))

    def test_topic_is_created_by_the_first_produce(self):
        self.assertEqual(self.client.produce_records(self.topic, 0, records_of(1)), 0)
        self.assertEqual(self.client.metadata([self.topic])[0].partition_count, 1)

    def test_several_partitions_each_with_its_own_result(self):
        self.client.create_topic(self.topic, 2)
        good = build_batch(records_of(2))
        broken = bytearray(good)
        broken[-1] ^= 1
        results = self.client.produce([(self.topic, 0, good), (self.topic, 7, good), (self.topic, 1, bytes(broken)),
                                       ("__own", 0, good), (self.topic, 0, good), (self.topic, 1, good)])
        self.assertEqual([leat.ERRORS[r.error.code][0] for r in results],
                         ["NONE", "UNKNOWN_PARTITION", "CORRUPT_BATCH", "INVALID_TOPIC_NAME", "NONE", "NONE"])
        self.assertEqual([r.base_offset for r in results], [0, -1, -1, -1, 2, 0])
        self.assertEqual([r.end_offset for r in results if not r.error.code], [2, 4, 2])

    def test_bad_batches_are_named_and_not_appended(self):
        self.client.create_topic(self.topic, 1, {"batch_bytes_max": "1MiB"})
        good = build_batch(records_of(2))

        def rest_with(at, form, *values):
            rest = bytearray(good[21:])
            struct.pack_into(form, rest, at - 21, *values)
            return leat.seal_batch(bytes(rest))

        cases = [("CORRUPT_BATCH", good[:60]), ("CORRUPT_BATCH", good[:-1]), ("INVALID_BATCH", good + b"x"),
                 ("INVALID_BATCH", good + good), ("INVALID_BATCH", good[:16] + b"\1" + good[17:]),
                 ("INVALID_BATCH", struct.pack(">q", 5) + good[8:]), ("UNSUPPORTED_CODEC", rest_with(21, ">h", 5)),
                 ("INVALID_TIMESTAMP", rest_with(21, ">h", 8)), ("INVALID_BATCH", rest_with(21, ">h", 0x20)),
                 ("INVALID_BATCH", rest_with(57, ">i", 3)), ("INVALID_BATCH", rest_with(57, ">i", 0)),
                 ("INVALID_TIMESTAMP", rest_with(27, ">qq", -5, T)),
                 ("INVALID_TIMESTAMP", build_batch([Record(b"x", timestamp_ms=int(time.time() * 1000) + 10 ** 9)])),
                 ("BATCH_TOO_LARGE", build_batch([Record(b"x" * (1 << 20), timestamp_ms=T)])), ("CORRUPT_BATCH", b"")]
        for name, batch in cases:
            result = self.client.produce([(self.topic, 0, batch)])[0]
            self.assertEqual(leat.ERRORS[result.error.code][0], name, result.error.message)
        self.assertEqual(self.client.read_records(self.topic, 0), [])

    def test_payload_has_to_be_the_sum(self):
        batch = build_batch(records_of(1))
        for sizes in ([len(batch) - 1], [len(batch) + 1], [len(batch), 1], []):
            request = pb.ProduceRequest(partitions=[pb.ProducePartition(topic=self.topic, batch_bytes=s) for s in sizes])
            self.assert_fails("INVALID_REQUEST", lambda: self.client.wait(self.client.send(batch, produce=request)))
        self.assert_alive()

    def test_ack_levels(self):
        batch = build_batch(records_of(1))
        self.client.create_topic(self.topic, 1)
        durable = self.client.produce([(self.topic, 0, batch)])[0]
        self.assertEqual((durable.level, durable.provisional), (pb.ACK_DURABLE, False))
        written = self.client.produce([(self.topic, 0, batch)], ack=pb.ACK_WRITTEN)[0]
        self.assertEqual((written.level, written.provisional, written.base_offset), (pb.ACK_WRITTEN, True, 1))
        self.client.send_produce([(self.topic, 0, batch)], ack=pb.ACK_NONE)
        self.client.send_produce([(self.topic, 9, batch)], ack=pb.ACK_NONE)  # not answered either
        last = self.client.produce([(self.topic, 0, batch)])[0]
        self.assertEqual(last.base_offset, 3)
        self.assertEqual(len(self.client.arrival_order), 5)  # Hello and four
        self.assertEqual(len(self.client.read_records(self.topic, 0)), 4)

    def test_written_topic_shows_records_at_once(self):
        self.client.create_topic(self.topic, 1, {"durability": "written", "flush_ms": "10m"})
        result = self.client.produce([(self.topic, 0, build_batch(records_of(2)))], ack=pb.ACK_WRITTEN)[0]
        self.assertEqual((result.level, result.provisional), (pb.ACK_WRITTEN, False))
        self.assertEqual(len(self.client.read_records(self.topic, 0)), 2)

    def test_pipelined_requests_keep_their_order(self):
        self.client.create_topic(self.topic, 1)
        sent = records_of(300)
        ids = [self.client.send_produce([(self.topic, 0, build_batch([record]))]) for record in sent]
        offsets = [self.client.wait(i)[0].results[0].base_offset for i in ids]
        self.assertEqual(offsets, list(range(300)))
        self.assertEqual(contents(self.client.read_records(self.topic, 0)), contents(sent))

    def test_first_pipelined_requests_keep_their_order_while_the_topic_is_made(self):
        ids = [self.client.send_produce([(self.topic, 0, build_batch([record]))]) for record in records_of(20)]
        self.assertEqual([self.client.wait(i)[0].results[0].base_offset for i in ids], list(range(20)))


class FetchTest(BrokerTest):

    def fill(self, batches=10, size=10, codec="none", value_size=20):
        self.client.create_topic(self.topic, 1)
        for i in range(batches):
            self.client.produce_records(self.topic, 0, records_of(size, i * size, value_size), codec)

    def fetch_one(self, offset, **options):
        result, data = self.client.fetch([(self.topic, 0, offset)], **options)[0]
        if result.error.code:
            raise LeatError(result.error)
        return result, decode_batches(data)

    def test_from_the_middle_of_a_batch(self):
        self.fill()
        result, records = self.fetch_one(25)
        self.assertLessEqual(records[0].offset, 25)
        self.assertEqual([r.offset for r in records], list(range(20, 100)))
        self.assertEqual((result.log_start_offset, result.durable_offset, result.visible_offset), (0, 100, 100))

    def test_at_the_end_there_is_nothing(self):
        self.fill()
        result, records = self.fetch_one(100)
        self.assertEqual((records, result.batches_bytes), ([], 0))

    def test_out_of_range(self):
        self.fill()
        for offset in (101, -1, 1 << 62):
            self.assert_fails("OFFSET_OUT_OF_RANGE", self.fetch_one, offset)

    def test_unknown_partitions(self):
        self.fill()
        results = self.client.fetch([("no-such", 0, 0), (self.topic, 0, 0), (self.topic, 1, 0)])
        self.assertEqual([leat.ERRORS[r.error.code][0] for r, _ in results],
                         ["UNKNOWN_TOPIC", "NONE", "UNKNOWN_PARTITION"])
        self.assertEqual(len(decode_batches(results[1][1])), 100)

    def test_limits_hold_and_one_batch_comes_all_the_same(self):
        self.fill(batches=10, size=1, value_size=10000)
        for limit in ({"max_bytes": 1}, {"partition_max_bytes": 1}):
            _, records = self.fetch_one(0, **limit)
            self.assertEqual([r.offset for r in records], [0])
        result, records = self.fetch_one(0, max_bytes=35000)
        self.assertEqual([r.offset for r in records], [0, 1, 2])
        self.assertLessEqual(result.batches_bytes, 35000)

    def test_several_partitions_in_one_reply(self):
        self.client.create_topic(self.topic, 3)
        for partition in range(3):
            self.client.produce_records(self.topic, partition, records_of(partition + 1))
        results = self.client.fetch([(self.topic, p, 0) for p in (2, 0, 1)])
        self.assertEqual([len(decode_batches(data)) for _, data in results], [3, 1, 2])

    def test_large_fetch(self):
        self.fill(batches=8, size=1, value_size=1 << 20)
        result, records = self.fetch_one(0)
        self.assertEqual(len(records), 8)
        self.assertGreater(result.batches_bytes, 8 << 20)

    def test_long_poll_wakes_up_on_append(self):
        self.client.create_topic(self.topic, 2)
        waiting = self.client.send_fetch([(self.topic, 0, 0), (self.topic, 1, 0)], max_wait_ms=20000, min_bytes=1)
        self.client.metadata()  # the fetch holds nobody up
        self.assertNotIn(waiting, self.client.arrival_order)
        other = self.connect()
        start = time.monotonic()
        other.produce_records(self.topic, 1, records_of(2))
        results = self.client.wait_fetch(waiting)
        self.assertLess(time.monotonic() - start, 5)
        self.assertEqual([len(decode_batches(data)) for _, data in results], [0, 2])

    def test_long_poll_waits_for_min_bytes_and_not_longer_than_asked(self):
        self.client.create_topic(self.topic, 1)
        start = time.monotonic()
        waiting = self.client.send_fetch([(self.topic, 0, 0)], max_wait_ms=400, min_bytes=1 << 20)
        self.connect().produce_records(self.topic, 0, records_of(1))
        (_, data), = self.client.wait_fetch(waiting)
        self.assertGreaterEqual(time.monotonic() - start, 0.39)
        self.assertEqual(len(decode_batches(data)), 1)

    def test_error_ends_the_wait(self):
        self.client.create_topic(self.topic, 1)
        (good, _), (bad, _) = self.client.fetch([(self.topic, 0, 0), (self.topic, 5, 0)], max_wait_ms=20000, min_bytes=1)
        self.assertEqual((good.error.code, bad.error.code), (0, 21))

    def test_deleting_the_topic_ends_the_wait(self):
        self.client.create_topic(self.topic, 1)
        waiting = self.client.send_fetch([(self.topic, 0, 0)], max_wait_ms=20000, min_bytes=1)
        self.connect().delete_topic(self.topic)
        (result, _), = self.client.wait_fetch(waiting)
        self.assertEqual(leat.ERRORS[result.error.code][0], "UNKNOWN_TOPIC")

    def test_replies_out_of_order(self):
        self.client.create_topic(self.topic, 1)
        slow = self.client.send_fetch([(self.topic, 0, 0)], max_wait_ms=20000, min_bytes=1)
        quick = [self.client.send(metadata=pb.MetadataRequest()) for _ in range(3)]
        produce = self.client.send_produce([(self.topic, 0, build_batch(records_of(1)))])
        for correlation_id in quick + [produce, slow]:
            self.client.wait(correlation_id)
        order = self.client.arrival_order
        self.assertTrue(all(order.index(q) < order.index(slow) for q in quick))

    def test_a_client_that_never_reads_disturbs_nobody(self):
        self.fill(batches=8, size=1, value_size=1 << 20)
        greedy = self.connect()
        for _ in range(50):
            greedy.send_fetch([(self.topic, 0, 0)])
        self.assertEqual(len(self.fetch_one(0)[1]), 8)

    def test_list_offsets(self):
        self.fill(batches=3, size=10, codec="gzip")
        offset = self.client.list_offset
        self.assertEqual(offset(self.topic, 0, pb.OffsetQuery.START).offset, 0)
        self.assertEqual(offset(self.topic, 0, pb.OffsetQuery.END).offset, 30)
        self.assertEqual(offset(self.topic, 0, pb.OffsetQuery.DURABLE).offset, 30)
        for timestamp, expected in ((0, (0, T)), (T + 15, (15, T + 15)), (T + 29, (29, T + 29)), (T + 30, (30, -1))):
            answer = offset(self.topic, 0, pb.OffsetQuery.TIMESTAMP, timestamp)
            self.assertEqual((answer.offset, answer.timestamp_ms), expected)
        self.assert_fails("UNKNOWN_PARTITION", offset, self.topic, 1, pb.OffsetQuery.END)
        self.assert_fails("UNKNOWN_TOPIC", offset, "no-such", 0, pb.OffsetQuery.END)
        self.assert_fails("INVALID_REQUEST", offset, self.topic, 0, 9)

    def test_too_many_entries(self):
        self.client.create_topic(self.topic, 1)
        entries = self.client.limits.partitions_per_request_max + 1
        self.assert_fails("LIMIT_EXCEEDED", self.client.fetch, [(self.topic, 0, 0)] * entries)
        self.assert_alive()


class ServerTest(BrokerTest):

    def test_server_info(self):
        info = self.client.server_info()
        self.assertEqual((info.protocol_version_min, info.protocol_version_max), (1, 1))
        self.assertEqual((info.data_id, info.data_dir), (self.client.data_id, self.leatd.data_dir))
        self.assertEqual(info.limits, self.client.limits)
        self.assertGreaterEqual(info.connections, 1)
        self.assertGreater(info.durability.disk_free_bytes, 0)
        self.assertEqual((len(info.metrics), len(info.settings)), (0, 0))
        info = self.client.server_info(include_metrics=True, include_settings=True)
        self.assertGreater(len(info.metrics), 5)
        self.assertTrue(all(m.name and m.doc and m.kind in ("counter", "gauge") for m in info.metrics))
        self.assertIn("frame_bytes_max", [s.name for s in info.settings])

    def test_syncs_are_counted(self):
        before = self.client.server_info().durability.syncs
        self.client.produce_records(self.topic, 0, records_of(1))
        self.assertGreater(self.client.server_info().durability.syncs, before)


class CrashTest(unittest.TestCase):

    def setUp(self):
        self.leatd = Leatd(LEATD)
        self.addCleanup(self.leatd.close)
        self.leatd.start()

    def check(self, acknowledged, topic):
        with Client(self.leatd.address) as client:
            for partition, expected in acknowledged.items():
                got = {r.offset: r for r in client.read_records(topic, partition)}
                self.assertEqual(sorted(got), list(range(len(got))))
                for offset, record in expected:
                    self.assertTrue(got[offset].same_content(record), offset)

    def test_acknowledged_records_survive_kill_9(self):
        """Produces with many requests in flight, kills the daemon in the middle, several times."""
        acknowledged = {0: [], 1: []}
        with Client(self.leatd.address) as client:
            client.create_topic("crash", 2, {"segment_bytes": "64KiB"})
            data_id = client.data_id
        for life in range(3):
            client = Client(self.leatd.address)
            self.assertEqual(client.data_id, data_id)
            in_flight = []
            for i in range(150):
                record = Record(b"life %d record %d " % (life, i) + b"y" * 500, b"%d" % i, [], T + i)
                partition = i % 2
                in_flight.append((client.send_produce([("crash", partition, build_batch([record]))]), partition, record))
                if i < 50:
                    continue
                correlation_id, partition, record = in_flight.pop(0)
                result = client.wait(correlation_id)[0].results[0]
                self.assertEqual((result.error.code, result.level), (0, pb.ACK_DURABLE))
                acknowledged[partition].append((result.base_offset, record))
            self.leatd.kill()
            client.close()
            self.leatd.start()
            self.check(acknowledged, "crash")
        self.assertGreater(len(acknowledged[0]), 100)

    def test_clean_stop(self):
        with Client(self.leatd.address) as client:
            client.produce_records("stop", 0, records_of(10))
            waiting = client.send_fetch([("stop", 0, 10)], max_wait_ms=20000, min_bytes=1)
            client.metadata()
            self.leatd.process.terminate()
            (result, data), = client.wait_fetch(waiting)  # answered with what there is
            self.assertEqual((result.error.code, data), (0, b""))
            self.assertEqual(self.leatd.process.wait(timeout=30), 0)
        self.leatd.start()
        with Client(self.leatd.address) as client:
            self.assertEqual(contents(client.read_records("stop", 0)), contents(records_of(10)))
            recovery = client.server_info().recovery
            self.assertTrue(recovery.clean)
            self.assertEqual(recovery.bytes_cut, 0)

    def test_deleted_topic_stays_deleted(self):
        with Client(self.leatd.address) as client:
            client.create_topic("gone", 1)
            client.create_topic("kept", 1, {"flush_ms": "7ms"})
            client.delete_topic("gone")
        self.leatd.kill()
        self.leatd.start()
        with Client(self.leatd.address) as client:
            self.assertEqual([t.name for t in client.metadata()], ["kept"])
            settings = {s.name: s.value for s in client.describe_topic("kept").config}
            self.assertEqual(settings["flush_ms"], "7ms")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if "--leatd" in arguments:
        at = arguments.index("--leatd")
        LEATD = arguments[at + 1]
        del arguments[at:at + 2]
    if not LEATD:
        sys.exit("say where leatd is: --leatd PATH or the environment variable LEATD")
    unittest.main(argv=[sys.argv[0]] + arguments)
