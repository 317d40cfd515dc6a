"""What is left after kill -9, and after an orderly end."""

import os
import unittest

from client_test_base import T, contents, records_of
from leat_client import Client, Record, build_batch, pb
from leatd_process import Leatd


class CrashTest(unittest.TestCase):

    def setUp(self):
        self.leatd = Leatd(os.environ["LEATD"])
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
