"""leat log dump and verify on the files of a stopped daemon, whole and damaged."""

import json
import os
import shutil
import signal
import struct

from cli_base import FAILED, LEATD, NOT_FOUND, OK, USAGE, CliTest, run_leat
from leatd_process import Leatd

RECORDS = 60


class LogTest(CliTest):
    """The daemon fills a directory and stops; each test damages a copy."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()

        def leat(*arguments, stdin=""):
            result = run_leat(*arguments, stdin=stdin, address=cls.leatd.address)
            assert result.code == 0, result.err
        leat("topic", "create", "t", "-p", "2", "-c", "segment_bytes=16KiB", "-c", "index_interval_bytes=1KiB")
        for i in range(RECORDS):
            leat("produce", "t", "-q", "-p", "0", "-k", "k%d" % i, stdin="value %d %s\n" % (i, "x" * 900))
        leat("produce", "t", "-q", "-p", "1", "-z", "zstd", "-H", "h=1", stdin="other\n" * 50)
        assert cls.leatd.stop() == 0

    def copy(self):
        root = self.path("data")
        shutil.copytree(self.leatd.data_dir, root)
        return root

    @staticmethod
    def partition(root, number=0):
        return os.path.join(root, "topics", "t-%d" % number)

    def segments(self, root, suffix=".log"):
        directory = self.partition(root)
        return [os.path.join(directory, name) for name in sorted(os.listdir(directory)) if name.endswith(suffix)]

    def findings(self, root, code=FAILED):
        lines = self.run_code(code, "log", "verify", root, "-o", "json").json_lines
        self.assertEqual(lines[-1]["type"], "summary")
        return [line for line in lines if line["type"] == "finding"]

    def flip(self, path, position):
        with open(path, "r+b") as file:
            file.seek(position)
            byte = file.read(1)
            file.seek(position)
            file.write(bytes([byte[0] ^ 0x40]))

    def test_sound(self):
        root = self.copy()
        self.assertGreater(len(self.segments(root)), 2)
        result = self.leat("log", "verify", root)
        self.assertIn("all sound", result.text)
        summary = self.leat("log", "verify", root, "-o", "json").json
        self.assertEqual((summary["errors"], summary["warnings"], summary["partitions"]), (0, 0, 3))
        self.assertGreaterEqual(summary["records"], RECORDS + 50)
        self.assertEqual(self.leat("log", "verify", self.partition(root), "-q").out, b"")

    def test_every_damaged_byte_of_a_batch_is_found(self):
        path = "00000000000000000000.log"
        for position in (0, 9, 16, 17, 22, 26, 40, 60, 61, 200, 940):
            root = self.copy()
            self.flip(os.path.join(self.partition(root), path), position)
            found = [f for f in self.findings(root) if f["severity"] == "error"]
            self.assertTrue(found, position)
            self.assertTrue(found[0]["path"].endswith(path))
            self.assertEqual(found[0]["position"], 0)
            shutil.rmtree(root)

    def test_damage_in_the_middle_names_the_range(self):
        root = self.copy()
        self.flip(self.segments(root)[1], 300)
        (found,) = [f for f in self.findings(root) if f["kind"] == "damage"]
        self.assertIn("cannot be read", found["text"])
        human = self.run_code(FAILED, "log", "verify", root)
        self.assertIn("ERROR damage", human.text)
        self.assertIn(": 1 error\n", human.text)

    def test_cut_file_and_extra_bytes(self):
        root = self.copy()
        last = self.segments(root)[-1]
        os.truncate(last, os.path.getsize(last) - 1)
        self.assertIn("damage", [f["kind"] for f in self.findings(root)])
        shutil.rmtree(root)
        root = self.copy()
        first_batch = json.loads(self.leat("log", "dump", self.segments(root)[-1], "-o", "json").lines[1])
        os.truncate(self.segments(root)[-1], first_batch["bytes"])
        self.assertIn("were promised", " ".join(f["text"] for f in self.findings(root)))
        shutil.rmtree(root)
        root = self.copy()
        with open(self.segments(root)[-1], "ab") as file:
            file.write(b"\0" * 100)
        self.assertIn("damage", [f["kind"] for f in self.findings(root)])

    def test_missing_files(self):
        root = self.copy()
        os.remove(self.segments(root)[1])
        self.assertIn("missing", [f["kind"] for f in self.findings(root)])
        shutil.rmtree(root)
        root = self.copy()
        shutil.rmtree(self.partition(root, 1))
        self.assertIn("no directory", " ".join(f["text"] for f in self.findings(root)))
        shutil.rmtree(root)
        root = self.copy()
        for suffix in (".log", ".index", ".timeindex"):
            os.remove(self.segments(root, suffix)[1])
        self.assertIn("gap", [f["kind"] for f in self.findings(root)])

    def test_indexes(self):
        for suffix, kind, size in ((".index", "index", 8), (".timeindex", "time_index", 12)):
            root = self.copy()
            path = self.segments(root, suffix)[0]
            self.assertGreaterEqual(os.path.getsize(path), size)
            self.flip(path, size - 1)
            found = self.findings(root)
            self.assertEqual([(f["kind"], f["severity"]) for f in found], [(kind, "error")])
            shutil.rmtree(root)
            root = self.copy()
            path = self.segments(root, suffix)[0]
            with open(path, "ab") as file:
                file.write(b"abc")
            self.assertIn("half an entry", self.findings(root)[0]["text"])
            shutil.rmtree(root)
            root = self.copy()
            os.remove(self.segments(root, suffix)[0])
            self.assertEqual([f["severity"] for f in self.findings(root, OK)], ["warning"])
            shutil.rmtree(root)

    def test_checkpoint_and_format(self):
        for name in ("meta/checkpoint", "format"):
            for damage in ("flip", "remove", "empty"):
                root = self.copy()
                path = os.path.join(root, name)
                if damage == "flip":
                    self.flip(path, 12)
                elif damage == "remove":
                    os.remove(path)
                else:
                    os.truncate(path, 0)
                self.assertIn(name.rsplit("/", 1)[-1], [f["kind"] for f in self.findings(root)], (name, damage))
                shutil.rmtree(root)

    def test_metadata_log(self):
        root = self.copy()
        directory = os.path.join(root, "meta", "__metadata-0")
        log = [name for name in sorted(os.listdir(directory)) if name.endswith(".log")][0]
        self.flip(os.path.join(directory, log), 70)
        self.assertIn("metadata", [f["kind"] for f in self.findings(root)])
        shown = self.leat("log", "dump", os.path.join(self.leatd.data_dir, "meta", "__metadata-0"), "--records").text
        self.assertIn("topic created", shown)
        self.assertIn("name t", shown)

    def daemon_on_a_copy(self):
        other = Leatd(LEATD)
        self.addCleanup(other.close)
        shutil.copytree(self.leatd.data_dir, other.data_dir)
        return other

    def test_torn_tail_of_a_crash_is_no_damage(self):
        other = self.daemon_on_a_copy()
        other.start()
        produced = run_leat("produce", "t", "-p", 0, stdin="after\n", address=other.address)
        self.assertEqual(produced.code, OK, produced.err)
        other.kill()
        self.leat("log", "verify", other.data_dir)
        with open(self.segments(other.data_dir)[-1], "ab") as file:
            file.write(b"torn" * 10)
        self.assertEqual([(f["kind"], f["severity"]) for f in self.findings(other.data_dir, OK)],
                         [("torn_tail", "warning")])
        other.start()
        other.stop()
        self.assertEqual([f["kind"] for f in self.findings(other.data_dir, OK)], ["kept"])

    def test_damage_keeps_nobody_from_the_rest(self):
        other = self.daemon_on_a_copy()
        self.flip(self.segments(other.data_dir)[1], 300)
        other.start()
        end = run_leat("topic", "describe", "t", "-o", "json", address=other.address).json["partition_list"][0]["end_offset"]
        for command in (["consume", "t", "-e"], ["replay", "t", "-q"]):
            read = run_leat(*command, address=other.address)
            self.assertEqual(read.code, FAILED, read.err)
            self.assertIn("offset 16 of partition 0 is damaged", read.err)
            self.assertEqual(read.lines.count("other"), 50, "the other partition comes whole")
            self.assertEqual(len(read.lines), 50 + end - 1, "so does what follows the damage")

    def test_locked_directory(self):
        other = self.daemon_on_a_copy()
        other.start()
        self.fails(FAILED, "log", "verify", other.data_dir, says="Stop leatd")
        self.fails(FAILED, "log", "verify", self.partition(other.data_dir), says="Stop leatd")
        self.assertIn("a daemon is using", self.leat("log", "dump", other.data_dir).err)
        other.process.send_signal(signal.SIGTERM)
        other.process.wait(timeout=30)
        self.leat("log", "verify", other.data_dir)

    def test_dump_of_batches_and_records(self):
        rows = self.leat("log", "dump", self.partition(self.leatd.data_dir), "--records", "-o", "json").json_lines
        records = [row for row in rows if row["type"] == "record"]
        self.assertEqual([record["offset"] for record in records], list(range(RECORDS)))
        self.assertEqual((records[3]["key"], records[3]["topic"], records[3]["partition"]), ("k3", "t", 0))
        batches = [row for row in rows if row["type"] == "batch"]
        self.assertEqual(batches[0]["base_offset"], 0)
        self.assertEqual(batches[-1]["last_offset"], RECORDS - 1)
        shown = self.leat("log", "dump", self.partition(self.leatd.data_dir, 1), "--records").text
        self.assertIn("zstd", shown)
        self.assertIn('"h"="1"', shown)
        self.assertNotIn("PROBLEM", shown)

    def test_dump_of_single_files(self):
        root = self.leatd.data_dir
        path = self.segments(root, ".index")[0]
        entries = [row for row in self.leat("log", "dump", path, "-o", "json").json_lines if row["type"] == "index_entry"]
        with open(path, "rb") as file:
            self.assertEqual([(e["last_offset"], e["position"]) for e in entries],
                             list(struct.iter_unpack(">ii", file.read())))
        path = self.segments(root, ".timeindex")[0]
        entries = [row for row in self.leat("log", "dump", path, "-o", "json").json_lines if row["type"] == "time_index_entry"]
        with open(path, "rb") as file:
            self.assertEqual([(e["timestamp_ms"], e["last_offset"]) for e in entries],
                             list(struct.iter_unpack(">qi", file.read())))
        checkpoint = self.leat("log", "dump", os.path.join(root, "meta", "checkpoint"), "-o", "json").json_lines
        self.assertEqual([row["clean"] for row in checkpoint if row["type"] == "checkpoint"], [True])
        self.assertIn(RECORDS, [row["synced"] for row in checkpoint if row["type"] == "checkpoint_entry"])
        self.assertIn("data id", self.leat("log", "dump", os.path.join(root, "format")).text)
        self.assertIn("segment", self.leat("log", "dump", root).text)

    def test_dump_goes_on_behind_damage(self):
        root = self.copy()
        self.flip(self.segments(root)[0], 1500)
        rows = self.run_code(FAILED, "log", "dump", self.partition(root), "-o", "json").json_lines
        self.assertEqual(len([row for row in rows if row["type"] == "problem"]), 1)
        self.assertEqual(len([row for row in rows if row["type"] == "batch"]), RECORDS - 1)

    def test_what_is_not_ours(self):
        self.fails(NOT_FOUND, "log", "dump", self.path("missing"), says="missing")
        self.fails(NOT_FOUND, "log", "verify", self.path("missing"), says="missing")
        self.fails(FAILED, "log", "dump", self.path("file.txt", b"x"), says="file.txt")
        self.fails(FAILED, "log", "verify", self.directory.name, says="neither")
        self.fails(USAGE, "log", "verify", self.segments(self.leatd.data_dir)[0], says="is a file")
