"""A data directory of many small segments whose content is known, for tests that damage its files."""

import os
import shutil
import signal

import daemon
import leat_client as leat
from daemon import EXIT_OK, T, content
from leat_client import Record, build_batch, pb

SEGMENTED = {"segment_bytes": "32KiB", "index_interval_bytes": "1KiB", "batch_bytes_max": "32KiB"}
BATCHES = 300
STEP_MS = 10


def batch_of(number):
    """Three records; timestamps grow from batch to batch, but for every seventh, which is late."""
    base = T + number * STEP_MS - (500 if number % 7 == 3 else 0)
    return build_batch([Record(b"%06d-%d " % (number, i) + b"x" * (number * 37 % 300), timestamp_ms=base + i)
                        for i in range(3)])


class FilesTest(daemon.DaemonTest):

    def filled(self, stop, batches=BATCHES, **settings):
        """A stopped daemon with one topic "t" of 300 batches of three records in several segments."""
        leatd = self.daemon(**settings)
        with leatd.client() as client:
            client.create_topic("t", 1, SEGMENTED)
            client.create_topic("other", 1)
            ids = [client.send_produce([("t", 0, batch_of(i))]) for i in range(batches)]
            for correlation_id in ids:
                self.assertEqual(client.wait(correlation_id)[0].results[0].error.code, 0)
            client.produce([("other", 0, batch_of(0))])
        if stop == signal.SIGTERM:
            self.assertEqual(leatd.stop(), EXIT_OK)
        else:
            if settings.get("checkpoint_interval_ms") == "20ms":
                self.wait_for_checkpoint(leatd)
            leatd.kill()
        self.assertGreater(len(leatd.segment_files("t")), 3)
        return leatd

    def wait_for_checkpoint(self, leatd):
        """Until a checkpoint tells everything that is there now; writing elsewhere gives it a cause."""
        with leatd.client() as client:
            written = leatd.metrics(client)["checkpoints_written"]

            def two_more():
                client.produce([("later", 0, batch_of(0))])
                return leatd.metrics(client)["checkpoints_written"] > written + 1
            daemon.eventually(two_more, what="two checkpoints")

    def copy_of(self, leatd):
        """The same directory once more, for another daemon."""
        copy = self.daemon(data_dir=os.path.join(self.directory(), "data"), start=False, **leatd.settings)
        shutil.copytree(leatd.data_dir, copy.data_dir)
        return copy

    def assert_whole(self, client, count=BATCHES):
        """Everything is there; reads from anywhere and searches by time are right."""
        stored = daemon.read_batches(client, "t")
        self.assertEqual([base for base, _, _ in stored], [3 * i for i in range(count)])
        for number, (_, _, batch) in enumerate(stored):
            self.assertEqual(content(batch), content(batch_of(number)))
        for offset in range(0, 3 * count, 31):
            (result, data), = client.fetch([("t", 0, offset)], max_bytes=1)
            self.assertEqual(result.error.code, 0)
            self.assertEqual(daemon.split_batches(data)[0][0], offset // 3 * 3)
        times = [r.timestamp_ms for n in range(count) for r in leat.decode_batches(batch_of(n))]
        for when in range(T - 1, T + count * STEP_MS + 2, 97):
            expected = next((o for o, t in enumerate(times) if t >= when), len(times))
            self.assertEqual(client.list_offset("t", 0, pb.OffsetQuery.TIMESTAMP, when).offset, expected, when - T)
