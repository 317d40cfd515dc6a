"""tools/quickstart.py: what it proves it has to prove, and what is wrong it has to say."""
import os
import pathlib
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

    def run_quickstart(self, content, bin_dir=BIN):
        file = self.path / "input"
        file.write_bytes(content)
        return subprocess.run([sys.executable, "-B", SCRIPT, "--bin", bin_dir, "--input", file],
                              capture_output=True, text=True, timeout=200, check=False,
                              env={**os.environ, "TMPDIR": self.home.name})

    def test_lines_of_a_file_also_those_that_are_not_text(self):
        lines = [b"line %d" % i for i in range(3000)] + [b"", b"\xff\xfe\x00 not text", b"last, without an end"]
        run = self.run_quickstart(b"\n".join(lines))
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("acknowledged and lost  0", run.stdout)
        self.assertEqual([entry.name for entry in self.path.iterdir()], ["input"], "leaves nothing behind")

    def test_a_lost_record_is_noticed(self):
        fake = self.path / "bin"
        fake.mkdir()
        (fake / "leatd").symlink_to(BIN / "leatd")
        (fake / "leat").write_text(LOSING_LEAT.format(python=sys.executable, leat=BIN / "leat"))
        (fake / "leat").chmod(0o700)
        run = self.run_quickstart(b"\n".join(b"%d" % i for i in range(100)), fake)
        self.assertEqual(run.returncode, 1)
        self.assertIn("offsets read are not those acknowledged", run.stderr)


if __name__ == "__main__":
    unittest.main()
