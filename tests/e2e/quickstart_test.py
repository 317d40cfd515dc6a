"""tools/quickstart.py: what it proves it has to prove, and what is wrong it has to say."""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

BIN = pathlib.Path(os.environ["LEAT_BIN"])
SCRIPT = pathlib.Path(os.environ["LEAT_SOURCE"]) / "tools" / "quickstart.py"

# Stands between the quickstart and leat: runs it, and takes one consumed record of the round trip away.
LOSING_LEAT = """#!{python}
import subprocess, sys
run = subprocess.run(["{leat}", *sys.argv[1:]], stdout=subprocess.PIPE)
lines = run.stdout.splitlines(keepends=True)
if sys.argv[1:3] == ["consume", "packages"]:
    lines = lines[:-1]
sys.stdout.buffer.write(b"".join(lines))
sys.exit(run.returncode)
"""


class QuickstartTest(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.TemporaryDirectory()
        self.addCleanup(self.home.cleanup)
        self.path = pathlib.Path(self.home.name)

    def run_quickstart(self, content, bin_dir=BIN, timeout=200):
        file = self.path / "input"
        file.write_bytes(content)
        return subprocess.run([sys.executable, "-B", SCRIPT, "--bin", bin_dir, "--input", file],
                              capture_output=True, text=True, timeout=timeout, check=False,
                              env={**os.environ, "TMPDIR": self.home.name})

    def test_lines_of_a_file_also_those_that_are_not_text(self):
        lines = [b"line %d" % i for i in range(3000)] + [b"", b"\xff\xfe\x00 not text", b"last, without an end"]
        run = self.run_quickstart(b"\n".join(lines))
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("acknowledged and lost  0", run.stdout)
        self.assertEqual([entry.name for entry in self.path.iterdir()], ["input"], "leaves nothing behind")

    def test_few_lines_do_not_hang(self):
        """The broker is killed in the middle of any input, also of one that fits one write."""
        for count in (1, 3, 100, 501):
            run = self.run_quickstart(b"".join(b"%d\n" % i for i in range(count)), timeout=60)
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertIn("replayed", run.stdout)

    def test_input_that_is_none(self):
        run = self.run_quickstart(b"")
        self.assertEqual((run.returncode, "is empty" in run.stderr), (1, True), run.stderr)
        self.assertNotIn("last words", run.stderr)
        run = subprocess.run([sys.executable, "-B", SCRIPT, "--bin", BIN], capture_output=True, text=True, timeout=60,
                             check=False, env={**os.environ, "TMPDIR": self.home.name, "PATH": self.home.name})
        self.assertEqual((run.returncode, "use --input FILE" in run.stderr), (1, True), run.stderr)
        self.assertNotIn("Traceback", run.stderr)
        self.assertEqual([entry.name for entry in self.path.iterdir()], ["input"], "leaves nothing behind")

    def test_wrong_arguments_are_told_at_once(self):
        """Before anything is installed or built."""
        for arguments, says in ((["--inptu", "f"], "--inptu"), (["--input", "missing"], "no such file: missing"),
                                (["--input", self.home.name], "is a directory")):
            run = subprocess.run([SCRIPT.with_suffix(""), *arguments], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((run.returncode, run.stdout), (2, ""), run.stderr)
            self.assertIn(says, run.stderr)

    def test_signals_end_it_in_order(self):
        file = self.path / "input"
        file.write_bytes(b"".join(b"%d\n" % i for i in range(20000)))
        for number in (signal.SIGTERM, signal.SIGHUP):
            for words in ("leatd runs on", "produced durably"):
                process = subprocess.Popen([sys.executable, "-B", SCRIPT, "--bin", BIN, "--input", file],
                                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                           env={**os.environ, "TMPDIR": self.home.name})
                while words not in (line := process.stdout.readline()):
                    self.assertTrue(line, "it ended before")
                process.send_signal(number)
                process.send_signal(number)  # once more, while it cleans up
                self.assertEqual(process.wait(timeout=60), 128 + number)
                self.assertEqual(process.stdout.read(), "", "nobody holds its output")
                process.stdout.close()
                self.assertEqual([entry.name for entry in self.path.iterdir()], ["input"], "leaves nothing behind")

    def test_a_lost_record_is_noticed(self):
        fake = self.path / "bin"
        fake.mkdir()
        (fake / "leatd").symlink_to(BIN / "leatd")
        (fake / "leat").write_text(LOSING_LEAT.format(python=sys.executable, leat=BIN / "leat"))
        (fake / "leat").chmod(0o700)
        run = self.run_quickstart(b"\n".join(b"%d" % i for i in range(100)), fake)
        self.assertEqual(run.returncode, 1)
        # The lost record may have been the only one of its partition.
        self.assertRegex(run.stderr, "offsets read are not those acknowledged|partitions .* were sent, .* were read")


if __name__ == "__main__":
    unittest.main()
