"""Runs a leatd of its own for a test."""

import os
import shutil
import signal
import subprocess
import tempfile
import time


class Leatd:
    """A daemon on a free loopback port with a data directory that goes at the end."""

    def __init__(self, binary, options=()):
        self.binary = binary
        self.options = list(options)
        self.directory = tempfile.mkdtemp(prefix="leat-e2e-")
        self.data_dir = os.path.join(self.directory, "data")
        self.log_path = os.path.join(self.directory, "log")
        self.process = None
        self.address = None

    def start(self):
        port_file = os.path.join(self.directory, "port")
        if os.path.exists(port_file):
            os.remove(port_file)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "--data-dir", self.data_dir, "--listen", "127.0.0.1:0", "--port-file", port_file]
                + self.options, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError("leatd ended with %s:\n%s" % (self.process.returncode, self.log()))
            try:
                with open(port_file) as file:
                    line = file.read()
            except FileNotFoundError:
                line = ""
            if line.endswith("\n"):
                self.address = line.strip()
                return
            time.sleep(0.01)
        raise RuntimeError("leatd did not listen:\n" + self.log())

    def kill(self):
        """kill -9"""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
