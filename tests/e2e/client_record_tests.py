"""Records in and out: produce, fetch, offsets."""

import struct
import time

import leat_client as leat
from client_test_base import BrokerTest, T, contents, records_of
from leat_client import LeatError, Record, build_batch, decode_batches, pb


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
        self.fill(batches=8, size=1, value_size=1 << 18)
        result, records = self.fetch_one(0)
        self.assertEqual(len(records), 8)
        self.assertGreater(result.batches_bytes, 8 << 18)

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
        self.fill(batches=8, size=1, value_size=1 << 17)
        greedy = self.connect()
        for _ in range(200):
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
