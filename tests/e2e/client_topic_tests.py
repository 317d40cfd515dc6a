"""Topics, and what the broker tells about itself."""

import leat_client as leat
from client_test_base import BrokerTest, records_of
from leat_client import pb


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
        self.assert_fails("INVALID_PARTITION_COUNT", self.client.create_topic, self.topic, most + 1)
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
