"""Index files are a cache: deleted, cut or full of garbage they come back as they were, and the start says so."""

import os
import signal
import struct

import daemon
from daemon import EXIT_OK
from known_files import BATCHES, SEGMENTED, FilesTest, batch_of


def cut_short(data):
    return data[:-3]


DAMAGES = {
    "deleted": None,
    "empty": lambda data: b"",
    "cut inside an entry": cut_short,
    "half of it": lambda data: data[:len(data) // 2 // 24 * 24],
    "garbage": lambda data: b"\xa5garbage" * (len(data) // 8),
    "random": lambda data: os.urandom(len(data)),
    "zeros": lambda data: bytes(len(data)),
    "zeros behind it": lambda data: data + bytes(240),
    "much too long": lambda data: data + os.urandom(1 << 20),
    "from the end": lambda data: data[::-1],
}


class IndexTest(FilesTest):

    def damage(self, path, change):
        if change is None:
            os.remove(path)
            return
        with open(path, "rb") as file:
            data = file.read()
        with open(path, "wb") as file:
            file.write(change(data))

    def indexes(self, leatd):
        """name -> bytes of all index files of the topic"""
        out = {}
        for suffix in (".index", ".timeindex"):
            for path in leatd.segment_files("t", suffix=suffix):
                with open(path, "rb") as file:
                    out[os.path.basename(path)] = file.read()
        return out

    def check_all_damages(self, leatd, damages, told):
        clean = self.copy_of(leatd)  # what the files are when nothing was done to them
        clean.start()
        # Those of the active segment are written when there is time, so a crash may find them missing.
        self.assertLessEqual(clean.recovery().indexes_rebuilt, 2)
        self.assertEqual(clean.stop(), EXIT_OK)
        expected = self.indexes(clean)
        for name in damages:
            for suffix in (".index", ".timeindex"):
                with self.subTest(name, suffix=suffix):
                    self.check_damage(self.copy_of(leatd), DAMAGES[name], suffix, expected, told)

    def check_damage(self, copy, change, suffix, expected, told):
        sealed = copy.segment_files("t", suffix=suffix)[1]
        damaged = [sealed]
        active = copy.segment_files("t")[-1].replace(".log", suffix)
        if os.path.exists(active) and os.path.getsize(active) >= 48:
            damaged.append(active)
        for path in damaged:
            self.damage(path, change)
        copy.start()
        with copy.client() as client:
            recovery = client.server_info().recovery
            notes = "\n".join(recovery.notes)
            if told:
                self.assertGreaterEqual(recovery.indexes_rebuilt, 1, notes)
                self.assertIn(os.path.basename(sealed), notes)
                daemon.eventually(lambda: os.path.basename(sealed) in copy.log(), what="a line in the log")
            self.assertEqual((recovery.bytes_cut, recovery.partitions_fenced), (0, 0), notes)
            self.assert_whole(client)
            self.assertEqual(client.produce([("t", 0, batch_of(0))])[0].base_offset, 3 * BATCHES)
        self.assertEqual(copy.stop(), EXIT_OK)
        found = self.indexes(copy)
        last = max(expected)  # of the active segment, which got one more batch
        for name, data in expected.items():
            if name[:20] != last[:20]:
                self.assertEqual(found.get(name), data, name)
        copy.start()  # and what it wrote is right
        self.assertEqual(copy.recovery().indexes_rebuilt, 0, list(copy.recovery().notes))
        copy.close()

    def test_damaged_after_a_clean_stop(self):
        self.check_all_damages(self.filled(signal.SIGTERM), DAMAGES, told=True)

    def test_damaged_after_kill_9(self):
        self.check_all_damages(self.filled(signal.SIGKILL, checkpoint_interval_ms="20ms"), DAMAGES, told=True)

    def test_damaged_after_kill_9_above_the_checkpoint(self):
        """What was not written yet and what was cut since look the same there; it comes back all the same."""
        leatd = self.filled(signal.SIGKILL, checkpoint_interval_ms="1h")
        self.check_all_damages(leatd, ("deleted", "half of it", "random", "zeros behind it"), told=False)

    def test_all_gone(self):
        for stop in (signal.SIGTERM, signal.SIGKILL):
            leatd = self.filled(stop)
            paths = [p for suffix in (".index", ".timeindex") for p in leatd.segment_files("t", suffix=suffix)]
            for path in paths:
                os.remove(path)
            leatd.start()
            with leatd.client() as client:
                self.assertGreaterEqual(client.server_info().recovery.indexes_rebuilt, len(paths) - 2)
                self.assert_whole(client)

    def test_plausible_lies(self):
        """Entries that are in order and still wrong are noticed by those who use them."""
        leatd = self.filled(signal.SIGTERM)
        for suffix, size, form, at in ((".index", 8, ">I", 4), (".timeindex", 12, ">q", 0), (".timeindex", 12, ">i", 8)):
            copy = self.copy_of(leatd)
            for path in copy.segment_files("t", suffix=suffix):
                with open(path, "r+b") as file:
                    data = bytearray(file.read())
                    for entry in range(1, len(data) // size - 1):  # the last one is looked at by the start
                        value, = struct.unpack_from(form, data, entry * size + at)
                        struct.pack_into(form, data, entry * size + at, value + 1)
                    file.seek(0)
                    file.write(data)
            with self.subTest(suffix, at=at):
                copy.start()
                with copy.client() as client:
                    self.assert_whole(client)
            copy.close()

    def test_damaged_while_running(self):
        leatd = self.daemon()
        with leatd.client() as client:
            client.create_topic("t", 1, SEGMENTED)
            for i in range(BATCHES):
                client.produce([("t", 0, batch_of(i))])
            for suffix in (".index", ".timeindex"):
                first, second, third = leatd.segment_files("t", suffix=suffix)[:3]
                os.remove(first)
                self.damage(second, DAMAGES["random"])
                self.damage(third, DAMAGES["empty"])
            self.assert_whole(client)
            self.assert_whole(client)
        leatd.stop_and_start()
        with leatd.client() as client:
            self.assert_whole(client)

    def test_foreign_files_are_left_alone(self):
        leatd = self.filled(signal.SIGTERM)
        paths = [os.path.join(leatd.partition_dir("t"), "notes.txt"), os.path.join(leatd.data_dir, "topics", "readme")]
        for path in paths:
            with open(path, "w") as file:
                file.write("mine")
        leatd.start()
        with leatd.client() as client:
            notes = "\n".join(client.server_info().recovery.notes)
            self.assert_whole(client)
        for path in paths:
            self.assertIn(os.path.basename(path), notes)
            with open(path) as file:
                self.assertEqual(file.read(), "mine")


if __name__ == "__main__":
    daemon.main()
