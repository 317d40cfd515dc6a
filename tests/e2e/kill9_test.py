"""kill -9 at any moment: what was acknowledged is at its offset, in order, byte for byte; what was read stays.

LEAT_KILL_ROUNDS sets the number of rounds, LEAT_KILL_SEED repeats a run's choices (its timing is the machine's).
"""

import os
import random
import signal
import threading
import time

import daemon
from crash_load import CONFIG, Administrator, Consumer, Ledger, Producer, check_partition, settle_topics
from leat_client import ConnectionEnded, LeatError, pb

ROUNDS = int(os.environ.get("LEAT_KILL_ROUNDS", "12"))
SEED = int(os.environ.get("LEAT_KILL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)

TOPICS = {"one": 1, "three": 3, "eight": 8, "written": 2}


class Kill9Test(daemon.DaemonTest):

    def setUp(self):
        print("\n  seed %d: repeat with LEAT_KILL_SEED=%d" % (SEED, SEED), flush=True)
        self.random = random.Random(SEED)
        self.ledger = Ledger()
        self.leatd = self.daemon("--network-threads", "2", checkpoint_interval_ms="5s")

    def create_topics(self):
        client = self.client(self.leatd)
        for name, count in TOPICS.items():
            config = dict(CONFIG, durability="written", flush_ms="20ms") if name == "written" else CONFIG
            client.create_topic(name, count, config)
            self.ledger.topics[name] = count

    def run_load(self, seconds):
        """Load for that long; what is running at the end is returned, for join_all() after the kill."""
        def seed():
            return self.random.randrange(1 << 31)
        workers = [Producer(self.ledger, self.leatd.address, seed(), TOPICS) for _ in range(3)]
        workers += [Consumer(self.ledger, self.leatd.address, seed(), TOPICS) for _ in range(2)]
        workers.append(Administrator(self.ledger, self.leatd.address, seed()))
        for worker in workers:
            worker.start()
        # The moment of the kill is what this waits for; nothing is expected to have happened by then.
        threading.Event().wait(seconds)
        return workers

    def join_all(self, workers):
        for worker in workers:
            worker.stopping.set()
        for worker in workers:
            worker.join(60)
            self.assertFalse(worker.is_alive(), "%s did not end" % type(worker).__name__)
        self.assertEqual(self.ledger.problems[:5], [])

    def kill(self):
        """kill -9, at times in the middle of a clean stop."""
        if self.random.random() < 0.25:
            self.leatd.signal(signal.SIGTERM)
            threading.Event().wait(self.random.uniform(0, 0.03))
        self.leatd.kill()

    def restart(self):
        """Starts again; about every second time kills the start itself a few times before."""
        self.leatd.settings["checkpoint_interval_ms"] = self.random.choice(["20ms", "200ms", "5s"])
        killed = 0
        if self.random.random() < 0.5:
            for _ in range(self.random.randrange(1, 4)):
                self.leatd.spawn()
                threading.Event().wait(self.random.uniform(0, 1.5 * (self.leatd.started_ms or 20) / 1000))
                self.leatd.kill()
                killed += 1
        self.leatd.start()
        return killed

    def check(self):
        client = self.client(self.leatd)
        complaints = settle_topics(self.ledger, client)
        for topic, count in self.ledger.topics.items():
            for partition in range(count):
                complaints += check_partition(self.ledger, client, topic, partition)
            for state in client.describe_topic(topic).partitions:
                if state.state.code:
                    complaints.append("%s-%d: %s" % (topic, state.partition, state.state.message))
        info = client.server_info()
        if info.recovery.partitions_fenced:
            complaints.append("fenced: %s" % list(info.recovery.notes))
        if os.path.exists(os.path.join(self.leatd.data_dir, "kept")):
            complaints.append("directories were kept aside: %s" % list(info.recovery.notes))
        self.assertEqual(complaints[:10], [], "seed %d\n%s" % (SEED, "\n".join(self.leatd.log().splitlines()[-20:])))
        client.close()
        return info.recovery

    def test_kill_at_random_moments(self):
        self.create_topics()
        for number in range(ROUNDS):
            seconds = self.random.choice([self.random.uniform(0.02, 0.2), self.random.uniform(0.2, 1.2)])
            before = self.ledger.totals()[0]
            workers = self.run_load(seconds)
            self.kill()
            self.join_all(workers)
            killed = self.restart()
            recovery = self.check()
            acked, seen = self.ledger.totals()
            print("  round %2d: load %.2f s, %d batches acknowledged anew, %d in all, %d read; restart %.0f ms "
                  "(%d killed starts), scanned %.1f MB, cut %d bytes" %
                  (number + 1, seconds, acked - before, acked, seen, self.leatd.started_ms, killed,
                   recovery.bytes_scanned / 1e6, recovery.bytes_cut), flush=True)
        self.assertGreater(self.ledger.totals()[0], 20 * ROUNDS)
        # Goes on where it was, and a clean stop after all of it is believed.
        self.join_all(self.run_load(0.3))
        self.leatd.stop_and_start()
        self.assertTrue(self.check().clean)
        self.assertEqual(os.listdir(os.path.join(self.leatd.data_dir, "deleted")), [])

    def test_kill_of_the_first_start(self):
        """A directory whose first start was killed at any point is usable, and not taken for a foreign one."""
        for _ in range(25):
            self.leatd = self.daemon(start=False)
            for _ in range(3):
                self.leatd.spawn()
                threading.Event().wait(self.random.uniform(0, 0.03))
                self.leatd.kill()
            self.leatd.start()
            with self.leatd.client() as client:
                self.assertEqual(client.produce([("t", 0, daemon.Stamped().batch(1, 2, 3))])[0].error.code, 0)
            self.leatd.close()

    def test_acknowledged_topics_and_settings_stay(self):
        """Create, alter and delete are for good once answered, whatever comes behind the answer."""
        expected = {}
        for number in range(6):
            client = self.client(self.leatd)
            for _ in range(self.random.randrange(1, 8)):
                name = "t%d" % self.random.randrange(6)
                if name not in expected:
                    expected[name] = (client.create_topic(name, 2).topic_id, 2, "1GiB")
                elif self.random.random() < 0.5:
                    topic_id, count, _ = expected[name]
                    size = "%dMiB" % self.random.randrange(8, 100)
                    client.alter_topic(name, {"segment_bytes": size}, partitions=count + 1)
                    expected[name] = (topic_id, count + 1, size)
                else:
                    client.delete_topic(name)
                    del expected[name]
            self.leatd.kill()
            client.close()
            self.restart()
            with self.leatd.client() as client:
                found = {}
                for topic in client.metadata():
                    config = {s.name: s.value for s in client.describe_topic(topic.name).config}
                    found[topic.name] = (topic.topic_id, topic.partition_count, config["segment_bytes"])
                for name, (_, _, size) in found.items():
                    if name in expected and expected[name][2] == "1GiB":  # the default, whatever it is called
                        expected[name] = (*expected[name][:2], size)
                self.assertEqual(found, expected, "round %d, seed %d" % (number, SEED))

    def test_written_acknowledgements_survive_the_process(self):
        """ACK_WRITTEN promises the death of the process, with the offset that was told."""
        batch = daemon.Stamped(3, 50)
        for number in range(5):
            client = self.client(self.leatd)
            ids = [client.send_produce([("w", 0, batch.batch(number, i, 0))], ack=pb.ACK_WRITTEN) for i in range(50)]
            acked = []
            for i, correlation_id in enumerate(ids[:30]):
                result = client.wait(correlation_id)[0].results[0]
                self.assertEqual(result.error.code, 0, result.error.message)
                acked.append((result.base_offset, daemon.content(batch.batch(number, i, 0))))
            self.leatd.kill()
            self.leatd.start()
            with self.leatd.client() as reader:
                stored = {base: daemon.content(data) for base, _, data in daemon.read_batches(reader, "w")}
            for base, expected in acked:
                self.assertEqual(stored.get(base), expected, base)

    def test_connections_end_at_once(self):
        """Clients of a killed daemon are not left waiting."""
        client = self.client(self.leatd)
        client.create_topic("wait", 1)
        waiting = client.send_fetch([("wait", 0, 0)], max_wait_ms=60000, min_bytes=1)
        client.metadata()
        begin = time.monotonic()
        self.leatd.kill()
        with self.assertRaises((ConnectionEnded, ConnectionError)):
            client.wait(waiting)
        self.assertLess(time.monotonic() - begin, 5)
        with self.assertRaises(ConnectionRefusedError):
            self.leatd.client()
        self.leatd.start()
        with self.leatd.client() as again:
            self.assertEqual([t.name for t in again.metadata()], ["wait"])
            with self.assertRaises(LeatError):
                again.create_topic("wait", 1)


if __name__ == "__main__":
    daemon.main()
