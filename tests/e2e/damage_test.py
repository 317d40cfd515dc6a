"""Damaged segments: a torn tail is cut, and what was promised is never dropped in silence."""

import os
import re
import signal
import struct
import subprocess

import daemon
import leat_client as leat
from daemon import content, tree
from known_files import BATCHES, FilesTest, batch_of
from leat_client import pb


class TornTailTest(FilesTest):

    def test_last_batch_cut_anywhere(self):
        """Above the checkpoint a torn batch is cut, told, kept beside, and the log goes on behind the last whole one."""
        leatd = self.filled(signal.SIGKILL, checkpoint_interval_ms="1h")
        size = len(batch_of(BATCHES - 1))
        for cut in (1, 2, size // 2, size - 62, size - 61, size - 17, size - 12, size - 11, size - 1):
            with self.subTest(cut=cut):
                copy = self.copy_of(leatd)
                path = copy.segment_files("t")[-1]
                os.truncate(path, os.path.getsize(path) - cut)
                copy.start()
                with copy.client() as client:
                    recovery = client.server_info().recovery
                    self.assertEqual((recovery.clean, recovery.bytes_cut), (False, size - cut), list(recovery.notes))
                    self.assertIn("cut", "\n".join(recovery.notes))
                    daemon.eventually(lambda: "never acknowledged" in copy.log(), what="a line in the log")
                    self.assert_whole(client, BATCHES - 1)
                    self.assertEqual(client.produce([("t", 0, batch_of(BATCHES - 1))])[0].base_offset, 3 * BATCHES - 3)
                    self.assert_whole(client)
                copy.kill()
                copy.start()  # again changes nothing
                with copy.client() as client:
                    self.assertEqual(client.server_info().recovery.bytes_cut, 0)
                    self.assert_whole(client)
                copy.close()

    def test_rubbish_behind_the_end(self):
        leatd = self.filled(signal.SIGKILL, checkpoint_interval_ms="1h")
        for rubbish in (b"\0", bytes(100000), os.urandom(5000), batch_of(0)[:70], batch_of(5)):
            copy = self.copy_of(leatd)
            with open(copy.segment_files("t")[-1], "ab") as file:
                file.write(rubbish)
            copy.start()
            with copy.client() as client:
                self.assertEqual(client.server_info().recovery.bytes_cut, len(rubbish))
                self.assert_whole(client)
            copy.close()


class DamageTest(FilesTest):
    """Damage in what a checkpoint proves: told, never dropped, and the rest is there."""

    def sound(self, data, offset):
        """The batch at the start of `data`, if it is whole and holds `offset`: (base, count, bytes)."""
        if len(data) < leat.BATCH_HEADER_BYTES:
            return None
        base, length, _, magic, crc = leat._BATCH_FRONT.unpack_from(data)
        batch = data[:12 + length] if length >= 49 else b""
        if magic != 2 or len(batch) != 12 + length or leat.crc32c(batch[21:]) != crc:
            return None
        count, = struct.unpack_from(">i", batch, 57)
        return (base, count, batch) if base <= offset < base + count else None

    def read_around(self, client):
        """Reads as a careful client does, on past everything that is damaged, be it the broker or the CRC that says so:
        ({base offset: batch}, offsets that could not be read)."""
        end = client.list_offset("t", 0, pb.OffsetQuery.END).offset
        good, lost = {}, set()
        offset = 0
        while offset < end:
            (result, data), = client.fetch([("t", 0, offset)])
            following = offset + 1
            if result.error.code:
                self.assertEqual(leat.ERRORS[result.error.code][0], "DATA_LOSS", result.error.message)
                onward = re.search(r"read on from offset (\d+)", result.error.message)
                following = int(onward.group(1)) if onward else following
                self.assertGreater(following, offset, result.error.message)
            elif not data:
                self.fail("nothing at offset %d of %d, and no error" % (offset, end))
            elif self.sound(data, offset):
                while found := self.sound(data, offset):
                    base, count, batch = found
                    good[base] = batch
                    offset = base + count
                    data = data[len(batch):]
                continue
            lost.update(range(offset, following))
            offset = following
        return end, good, lost

    def check_flip(self, copy, segment, at):
        """One byte of the fifth batch of that segment is other than it was."""
        path = copy.segment_files("t")[segment]
        first = int(os.path.basename(path)[:20]) // 3
        position = sum(len(batch_of(i)) for i in range(first, first + 5))
        with open(path, "r+b") as file:
            file.seek(position + at)
            byte = file.read(1)[0]
            file.seek(position + at)
            file.write(bytes([byte ^ 0x15]))
        before = tree(copy.partition_dir("t"))[os.path.basename(path)][2:]
        copy.start()
        with copy.client() as client:
            self.assertEqual(len(daemon.read_batches(client, "other")), 1)
            end, good, lost = self.read_around(client)
            self.assertEqual(end, 3 * BATCHES, "offsets were taken back or given away")
            damaged = 3 * (first + 5)
            self.assertIn(damaged, lost)
            next_base = int(os.path.basename((copy.segment_files("t") + [path])[segment + 1])[:20])
            for number in range(BATCHES):
                if number < first + 5 or (segment != -1 and 3 * number >= next_base):
                    self.assertEqual(content(good[3 * number]), content(batch_of(number)), number)
                elif 3 * number in good:
                    self.assertEqual(content(good[3 * number]), content(batch_of(number)), number)
            result = client.produce([("t", 0, batch_of(0))])[0]
            self.assertIn(leat.ERRORS[result.error.code][0], ("NONE", "PARTITION_FENCED"), result.error.message)
            if not result.error.code:
                self.assertEqual(result.base_offset, 3 * BATCHES)
            else:
                state = client.describe_topic("t").partitions[0].state
                self.assertEqual(leat.ERRORS[state.code][0], "PARTITION_FENCED")
                self.assertEqual(client.server_info().recovery.partitions_fenced, 1)
        if segment != -1:  # what is damaged is kept as it is
            self.assertEqual(tree(copy.partition_dir("t"))[os.path.basename(path)][2:], before)
        copy.close()

    def test_flipped_byte(self):
        for stop in (signal.SIGTERM, signal.SIGKILL):
            leatd = self.filled(stop, checkpoint_interval_ms="20ms")
            for segment in (1, -1):
                for what, at in (("payload", 70), ("crc", 18), ("length", 10), ("length, high", 8), ("offset", 7),
                                 ("magic", 16), ("count", 60), ("last delta", 26)):
                    with self.subTest(what, stop=stop, segment=segment):
                        self.check_flip(self.copy_of(leatd), segment, at)

    def test_segment_cut_below_the_checkpoint(self):
        leatd = self.filled(signal.SIGTERM)
        for segment in (1, -1):
            with self.subTest(segment=segment):
                copy = self.copy_of(leatd)
                path = copy.segment_files("t")[segment]
                os.truncate(path, os.path.getsize(path) // 2)
                copy.start()
                with copy.client() as client:
                    end, good, lost = self.read_around(client)
                    self.assertEqual(end, 3 * BATCHES)
                    self.assertTrue(lost)
                    self.assertEqual(3 * len(good) + len(lost), end)
                    self.assertTrue(client.server_info().recovery.notes)
                copy.close()

    def test_segment_missing(self):
        leatd = self.filled(signal.SIGTERM)
        for segment in (0, 1, -1):
            with self.subTest(segment=segment):
                copy = self.copy_of(leatd)
                os.remove(copy.segment_files("t")[segment])
                copy.start()
                with copy.client() as client:
                    end, good, lost = self.read_around(client)
                    self.assertEqual(end, 3 * BATCHES)
                    self.assertTrue(lost)
                    self.assertEqual(3 * len(good) + len(lost), end)
                    self.assert_told(copy, client, lost)
                copy.close()

    def assert_told(self, leatd, client, lost):
        """What is lost is part of the partition's state, also for those who only look."""
        partition, = client.describe_topic("t").partitions
        self.assertEqual({offset for told in partition.lost for offset in range(told.start, told.end)}, lost)
        self.assertEqual(client.server_info().recovery.partitions_damaged, 1)
        text = subprocess.run([os.path.join(os.path.dirname(daemon.LEATD), "leat"), "--address", leatd.address, "topic",
                               "describe", "t"], check=True, stdout=subprocess.PIPE, text=True).stdout
        for told in partition.lost:
            self.assertIn("offsets %d to %d lost" % (told.start, told.end - 1), text)

    def test_checkpoint_damaged_or_missing(self):
        """Without its evidence nothing is cut that a valid batch follows; nothing is lost."""
        leatd = self.filled(signal.SIGKILL)
        for change in (None, lambda data: b"", lambda data: data[:-1], os.urandom, lambda data: data[::-1]):
            copy = self.copy_of(leatd)
            path = os.path.join(copy.data_dir, "meta", "checkpoint")
            if change is None:
                os.remove(path)
            else:
                with open(path, "rb") as file:
                    data = file.read()
                with open(path, "wb") as file:
                    file.write(change(len(data)) if change is os.urandom else change(data))
            copy.start()
            with copy.client() as client:
                self.assertIn("checkpoint", "\n".join(client.server_info().recovery.notes))
                self.assert_whole(client)
                self.assertEqual(client.produce([("t", 0, batch_of(0))])[0].error.code, 0)
            copy.close()


if __name__ == "__main__":
    daemon.main()
