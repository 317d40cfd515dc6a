"""A full disk is an answer, not a crash: on a small tmpfs in a mount namespace of the test's own (needs root)."""

import os
import subprocess
import sys
import unittest

import daemon
import leat_client as leat
from daemon import Stamped, content, eventually
from leat_client import LeatError, pb

MARK = "OWN_MOUNT_NAMESPACE"
DISK_MIB = 24
CONFIG = {"segment_bytes": "1MiB", "batch_bytes_max": "1MiB"}
BIG = Stamped(1, 200000)
SMALL = Stamped(1, 100)


class DiskFullTest(daemon.DaemonTest):

    def setUp(self):
        self.mount = self.directory()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dM,mode=0700" % DISK_MIB, "leat-test", self.mount], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.mount], check=True)
        self.leatd = self.daemon(data_dir=os.path.join(self.mount, "data"), checkpoint_interval_ms="50ms")
        self.acked = {}

    def produce(self, client, topic, batch, partition=0):
        """Name of the error; notes what was acknowledged."""
        result = client.produce([(topic, partition, batch)])[0]
        name, retriable = leat.ERRORS[result.error.code]
        if name == "NONE":
            self.acked[topic, partition, result.base_offset] = content(batch)
        elif name == "DISK_FULL":
            self.assertTrue(retriable)
            self.assertTrue(result.error.message)
            self.assertEqual(result.base_offset, -1)
        return name

    def fill(self, client, topic, batch=BIG):
        """Until the disk is full; how many batches it took."""
        for number in range(100000):
            name = self.produce(client, topic, batch.batch(number, 0, 0))
            if name != "NONE":
                self.assertEqual(name, "DISK_FULL")
                return number
        raise AssertionError("the disk did not become full")

    def forget(self, topic):
        for key in [key for key in self.acked if key[0] == topic]:
            del self.acked[key]

    def assert_acknowledged(self, client):
        """Everything acknowledged is at its offset, offsets are dense, and nothing else is there."""
        found = {}
        for topic in client.metadata():
            for partition in range(topic.partition_count):
                following = 0
                for base, count, batch in daemon.read_batches(client, topic.name, partition):
                    self.assertEqual(base, following)
                    following = base + count
                    found[topic.name, partition, base] = content(batch)
        self.assertEqual(sorted(found), sorted(self.acked))
        for key, batch in self.acked.items():
            self.assertEqual(found[key], batch, key)

    def create(self, client, *topics):
        for topic in topics:
            client.create_topic(topic, 1, CONFIG)

    def test_fill_free_and_go_on(self):
        client = self.client(self.leatd)
        self.create(client, "keep", "bulk")
        for i in range(5):
            self.assertEqual(self.produce(client, "keep", SMALL.batch(i, 0, 0)), "NONE")
        self.assertGreater(self.fill(client, "bulk"), 50)
        self.fill(client, "bulk", SMALL)
        # It stays up, says so, and goes on with everything else.
        for _ in range(50):
            self.assertIn(self.produce(client, "keep", BIG.batch(9, 9, 9)), ("DISK_FULL",))
        self.assertGreater(self.leatd.metrics(client)["disk_full_errors"], 0)
        self.assert_acknowledged(client)
        self.assertEqual(client.describe_topic("bulk").partitions[0].state.code, 0, "a full disk is no fence")
        self.assertGreaterEqual(client.list_offset("bulk", 0, pb.OffsetQuery.TIMESTAMP, 0).offset, 0)
        client.delete_topic("bulk")
        self.forget("bulk")
        # By itself, without a restart.
        eventually(lambda: self.produce(client, "keep", BIG.batch(5, 0, 0)) == "NONE", what="room to write")
        self.create(client, "after")
        self.assertEqual(self.produce(client, "after", SMALL.batch(1, 0, 0)), "NONE")
        self.assert_acknowledged(client)
        self.assertEqual(self.leatd.stop(), daemon.EXIT_OK, self.leatd.log())
        self.leatd.start()
        self.assert_acknowledged(self.client(self.leatd))

    def test_kill_while_full(self):
        client = self.client(self.leatd)
        self.create(client, "a", "b")
        self.fill(client, "a")
        self.fill(client, "b", SMALL)
        for _ in range(4):  # each start needs a little room, and what it leaves is filled again
            self.leatd.kill()
            self.leatd.start()
            client = self.client(self.leatd)
            self.assert_acknowledged(client)
            self.assertEqual(client.server_info().recovery.partitions_fenced, 0)
            self.fill(client, "b", SMALL)
        client.delete_topic("a")
        self.forget("a")
        eventually(lambda: self.produce(client, "b", BIG.batch(1, 2, 3)) == "NONE", what="room to write")
        self.leatd.kill()
        self.leatd.start()
        self.assert_acknowledged(self.client(self.leatd))

    def test_stop_while_full(self):
        client = self.client(self.leatd)
        self.create(client, "a")
        self.fill(client, "a")
        self.fill(client, "a", SMALL)
        self.assertEqual(self.leatd.stop(), daemon.EXIT_OK, self.leatd.log())
        self.leatd.start()
        client = self.client(self.leatd)
        self.assertTrue(client.server_info().recovery.clean)
        self.assert_acknowledged(client)
        client.delete_topic("a")
        self.forget("a")
        self.create(client, "b")
        eventually(lambda: self.produce(client, "b", BIG.batch(1, 2, 3)) == "NONE", what="room to write")

    def test_many_producers_and_space_freed_from_outside(self):
        """Pipelined requests meet the end of the disk; space comes back as somebody else's file goes."""
        ballast = os.path.join(self.mount, "ballast")
        with open(ballast, "wb") as file:
            file.write(bytes((DISK_MIB - 8) << 20))
        clients = [self.client(self.leatd) for _ in range(3)]
        for number in range(3):
            self.create(clients[0], "t%d" % number)
        refused = 0
        for number in range(60):
            sent = []
            for index, client in enumerate(clients):
                for i in range(3):
                    batch = BIG.batch(index, number, i)
                    sent.append((client, "t%d" % index, batch, client.send_produce([("t%d" % index, 0, batch)])))
            for client, topic, batch, correlation_id in sent:
                result = client.wait(correlation_id)[0].results[0]
                name = leat.ERRORS[result.error.code][0]
                self.assertIn(name, ("NONE", "DISK_FULL"), result.error.message)
                if name == "NONE":
                    self.acked[topic, 0, result.base_offset] = content(batch)
                refused += name != "NONE"
        self.assertGreater(refused, 100)
        self.assert_acknowledged(clients[0])
        os.remove(ballast)
        for index, client in enumerate(clients):
            eventually(lambda c=client, t="t%d" % index: self.produce(c, t, BIG.batch(7, 7, 7)) == "NONE",
                       what="room to write")
        self.assert_acknowledged(clients[0])
        self.leatd.kill()
        self.leatd.start()
        self.assert_acknowledged(self.client(self.leatd))

    def test_topics_while_full(self):
        """Creating a topic fails as a whole with a retriable error, or succeeds; it is never half there."""
        client = self.client(self.leatd)
        self.create(client, "a")
        self.fill(client, "a")
        self.fill(client, "a", SMALL)
        for number in range(5):
            try:
                client.create_topic("new%d" % number, 3)
            except LeatError as error:
                self.assertEqual(error.name, "DISK_FULL", error.message)
        made = sorted(t.name for t in client.metadata())
        client.delete_topic("a")
        self.forget("a")
        made.remove("a")
        self.leatd.kill()
        self.leatd.start()
        client = self.client(self.leatd)
        self.assertEqual(sorted(t.name for t in client.metadata()), made)
        for number in range(5):
            if "new%d" % number not in made:
                client.create_topic("new%d" % number, 3)
            self.assertEqual(self.produce(client, "new%d" % number, SMALL.batch(1, 2, 3), 2), "NONE")
        self.assert_acknowledged(client)

    def test_start_on_a_full_disk(self):
        """A first start without room says so; a later one without room works or says so, and loses nothing."""
        with open(os.path.join(self.mount, "ballast"), "wb", buffering=0) as file:
            self.assertEqual(self.leatd.stop(), daemon.EXIT_OK)
            try:
                while file.write(bytes(4096)) == 4096:
                    pass
            except OSError:
                pass
        fresh = self.daemon(data_dir=os.path.join(self.mount, "fresh"), start=False)
        code, output = fresh.run(timeout=20)
        self.assertEqual(code, daemon.EXIT_FAILED, output)
        self.assertIn("No space", output)
        self.leatd.spawn()
        eventually(lambda: self.leatd.process.poll() is not None or os.path.exists(self.leatd.port_file))
        print("\n  start on a full disk: %s" % ("serves" if self.leatd.process.poll() is None else "refuses"))
        if self.leatd.process.poll() is None:
            self.leatd.kill()
        else:
            self.assertIn("No space", self.leatd.log())
        os.remove(os.path.join(self.mount, "ballast"))
        self.leatd.start()
        fresh.start()


def enter_namespace():
    """Runs this file again where its mounts are nobody else's. Says why it cannot, if it cannot."""
    if os.getuid() != 0:
        return "not root"
    probe = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "-o", "size=1M", "leat-test", "/mnt"],
                           capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        return "no mount namespace here: " + (probe.stderr.strip() or "unshare failed")
    os.environ[MARK] = "1"
    os.execvp("unshare", ["unshare", "-m", sys.executable, "-B", *sys.argv])
    return None


if __name__ == "__main__":
    reason = None if os.environ.get(MARK) else enter_namespace()
    if reason:
        DiskFullTest = unittest.skip(reason)(DiskFullTest)  # counted and told as skipped
    daemon.main()
