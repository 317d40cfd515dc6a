"""How leatd starts and stops: whose directory it takes, what it leaves untouched, and what its exit codes say."""

import json
import os
import resource
import signal
import socket
import stat
import subprocess
import threading
import time

import daemon
from crash_load import CONFIG, Ledger, Producer, check_partition
from daemon import EXIT_FAILED, EXIT_FORMAT, EXIT_LOCKED, EXIT_OK, LEATD, Stamped, tree
from leat_client import ConnectionEnded, LeatError

NOBODY = 65534
LARGE = Stamped(1, 1 << 20)


def root_only(test):
    return daemon.unittest.skipUnless(os.getuid() == 0, "needs root, to give it up")(test)


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


class DirectoryTest(daemon.DaemonTest):

    def used_directory(self):
        """A data directory with some records, its daemon stopped."""
        leatd = self.daemon()
        with leatd.client() as client:
            client.create_topic("t", 2, {"segment_bytes": "64KiB"})
            batch = Stamped(1, 5000)
            for i in range(40):
                client.produce([("t", i % 2, batch.batch(i, 0, 0))])
        leatd.stop()
        return leatd

    def assert_refused(self, leatd, code, *words, **popen):
        """Ends with this code and a message with these words, and the directory is what it was, byte for byte."""
        before = tree(leatd.data_dir)
        begin = time.monotonic()
        found, output = leatd.run(**popen)
        self.assertEqual(found, code, output)
        for word in words:
            self.assertIn(word, output)
        self.assertLess(time.monotonic() - begin, 10)
        self.assertEqual(tree(leatd.data_dir), before)
        self.assertFalse(os.path.exists(leatd.port_file))
        return output

    def test_second_daemon_on_a_directory(self):
        first = self.daemon(checkpoint_interval_ms="1h")
        with first.client() as client:
            client.produce([("t", 0, Stamped().batch(1, 1, 1))])
            second = self.daemon(data_dir=first.data_dir, start=False)
            # The checkpoint for the new topic must not look like a touch of the second.
            daemon.eventually(lambda: first.metrics(client)["checkpoints_written"] >= 1)
            self.assert_refused(second, EXIT_LOCKED, first.data_dir, "use")
            self.assertEqual(len(daemon.read_batches(client, "t")), 1)

    def test_second_daemon_by_another_name_of_the_directory(self):
        first = self.daemon()
        link = os.path.join(self.directory(), "link")
        os.symlink(first.data_dir, link)
        code, output = self.daemon(data_dir=link, start=False).run()
        self.assertEqual(code, EXIT_LOCKED, output)

    def test_format_unreadable_or_newer(self):
        leatd = self.used_directory()
        path = os.path.join(leatd.data_dir, "format")
        with open(path, "rb") as file:
            good = file.read()
        for name, data in {
                "empty": b"", "garbage": os.urandom(300), "cut": good[:len(good) // 2], "newer": good.replace(
                    b"version 1", b"version 2"), "far newer": good.replace(b"version 1", b"version 999999999999999999"),
                "flipped": good.replace(b"data_id ", b"data_iD "), "long": good + b"x" * 100000,
                "other": b"another product\nversion 1\n", "negative": good.replace(b"version 1", b"version -1")}.items():
            with self.subTest(name):
                self.assertNotEqual(data, good)
                with open(path, "wb") as file:
                    file.write(data)
                output = self.assert_refused(leatd, EXIT_FORMAT, "format")
                if "newer" == name:
                    self.assertIn("version 2", output)
        os.remove(path)
        os.mkdir(path)
        found, output = leatd.run()
        self.assertNotEqual(found, EXIT_OK, output)
        os.rmdir(path)
        self.assert_refused(leatd, EXIT_FORMAT, "format")  # records, and no format: not a fresh directory
        with open(path, "wb") as file:
            file.write(good)
        leatd.start()
        with leatd.client() as client:
            self.assertEqual(len(daemon.read_batches(client, "t")), 20)

    def test_foreign_directory(self):
        leatd = self.daemon(data_dir=self.directory(), start=False)
        with open(os.path.join(leatd.data_dir, "thesis.tex"), "w") as file:
            file.write("years of work")
        self.assert_refused(leatd, EXIT_FORMAT, "thesis.tex", "empty")
        for name in ("topics", "meta", "deleted", "LOCK"):  # names of ours do not make it ours
            leatd = self.daemon(data_dir=self.directory(), start=False)
            os.makedirs(os.path.join(leatd.data_dir, name, "mine"))
            with open(os.path.join(leatd.data_dir, name, "mine", "file"), "w") as file:
                file.write("years of work")
            with self.subTest(name):
                self.assert_refused(leatd, EXIT_FORMAT)

    def test_empty_directory_and_missing_parents_are_taken(self):
        for data_dir in (self.directory(), os.path.join(self.directory(), "a", "b", "c")):
            leatd = self.daemon(data_dir=data_dir)
            self.assertEqual(leatd.stop(), EXIT_OK)

    def test_file_in_place_of_the_directory(self):
        code, output = self.daemon(data_dir=__file__, start=False).run()
        self.assertEqual(code, EXIT_FAILED, output)
        self.assertIn(__file__, output)

    @root_only
    def test_directory_not_writable(self):
        leatd = self.used_directory()
        os.chmod(leatd.directory, 0o777)
        os.chmod(leatd.log_path, 0o666)
        for path, names, files in os.walk(leatd.data_dir):
            os.chmod(path, 0o755)
            for name in files:
                os.chmod(os.path.join(path, name), 0o644)
        os.chmod(leatd.directory, 0o755)
        self.assert_refused(leatd, EXIT_FAILED, leatd.data_dir, user=NOBODY, group=NOBODY, extra_groups=[])
        # nor readable, nor to be created
        os.chmod(leatd.data_dir, 0o700)
        self.assert_refused(leatd, EXIT_FAILED, leatd.data_dir, user=NOBODY, group=NOBODY, extra_groups=[])
        parent = self.directory()
        os.chmod(parent, 0o755)
        leatd.data_dir = os.path.join(parent, "new")
        code, output = leatd.run(user=NOBODY, group=NOBODY, extra_groups=[])
        self.assertEqual((code, os.listdir(parent)), (EXIT_FAILED, []), output)
        self.assertIn("ermission denied", output)

    def test_modes(self):
        """The directory is the owner's alone, whatever the umask."""
        leatd = self.daemon(start=False)
        leatd.start(umask=0)
        with leatd.client() as client:
            client.produce([("t", 0, Stamped().batch(1, 1, 1))])
        self.assertEqual(stat.S_IMODE(os.stat(leatd.data_dir).st_mode), 0o700)
        for name, (mode, *_) in tree(leatd.data_dir).items():
            self.assertEqual(stat.S_IMODE(mode), 0o700 if stat.S_ISDIR(mode) else 0o600, name)


class StopTest(daemon.DaemonTest):

    def test_sigterm_under_load(self):
        """Ends with 0 in time, answers what it took, and the next start believes it."""
        for number in (signal.SIGTERM, signal.SIGINT):
            leatd = self.daemon()
            topics = {"a": 2, "b": 1}
            with leatd.client() as client:
                for name, count in topics.items():
                    client.create_topic(name, count, CONFIG)
            ledger = Ledger()
            workers = [Producer(ledger, leatd.address, seed, topics) for seed in range(4)]
            for worker in workers:
                worker.start()
            daemon.eventually(lambda: ledger.totals()[0] > 200, what="load")
            begin = time.monotonic()
            leatd.signal(number)
            self.assertEqual(leatd.process.wait(20), EXIT_OK, leatd.log())
            print("\n  stopped under load in %.0f ms" % ((time.monotonic() - begin) * 1000))
            for worker in workers:
                worker.join(30)
            # A stopping broker refuses what comes later; nothing else may go wrong.
            self.assertEqual([p for p in ledger.problems if "SHUTTING_DOWN" not in p], [])
            leatd.start()
            daemon.eventually(lambda: "recovery: clean start" in leatd.log(), what="the banner")
            with leatd.client() as client:
                info = client.server_info()
                self.assertTrue(info.recovery.clean)
                self.assertEqual((info.recovery.bytes_cut, list(info.recovery.notes)), (0, []))
                for name, count in topics.items():
                    for partition in range(count):
                        self.assertEqual(check_partition(ledger, client, name, partition)[:5], [])

    def test_deadline_of_a_stop(self):
        """A client that takes nothing of its replies does not hold a stop up for longer than the deadline."""
        leatd = self.daemon(shutdown_timeout_ms="500ms", send_stall_ms="1h")
        with leatd.client() as client:
            for i in range(16):
                client.produce([("big", 0, LARGE.batch(i, 0, 0))])
        greedy = self.client(leatd)
        for _ in range(20):
            greedy.send_fetch([("big", 0, 0)])
        daemon.eventually(lambda: leatd.metrics()["batch_bytes_out"] > 0)
        begin = time.monotonic()
        leatd.signal()
        code = leatd.process.wait(20)
        self.assertLess(time.monotonic() - begin, 8)
        self.assertEqual(code, EXIT_OK, leatd.log())
        leatd.start()
        self.assertTrue(leatd.recovery().clean)

    @staticmethod
    def is_refused(leatd):
        try:
            socket.create_connection(leatd.address.rsplit(":", 1), timeout=5).close()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            pass  # it was in the queue of the socket that has just been closed
        return False

    def test_second_signal_ends_at_once(self):
        leatd = self.daemon(shutdown_timeout_ms="1h", send_stall_ms="1h")
        with leatd.client() as client:
            for i in range(16):
                client.produce([("big", 0, LARGE.batch(i, 0, 0))])
        greedy = self.client(leatd)
        for _ in range(20):
            greedy.send_fetch([("big", 0, 0)])
        daemon.eventually(lambda: leatd.metrics()["batch_bytes_out"] > 0)
        leatd.signal()
        daemon.eventually(lambda: "stopping" in leatd.log())
        daemon.eventually(lambda: self.is_refused(leatd), what="the end of listening")
        self.assertIsNone(leatd.process.poll())
        leatd.signal()
        self.assertEqual(leatd.process.wait(10), EXIT_FAILED)
        leatd.start()
        self.assertFalse(leatd.recovery().clean)
        with leatd.client() as client:
            self.assertEqual(len(daemon.read_batches(client, "big")), 16)

    def test_requests_while_stopping_are_refused_as_retriable(self):
        leatd = self.daemon(send_stall_ms="1h")
        with leatd.client() as client:
            client.produce([("t", 0, Stamped().batch(0, 0, 0))])
        clients = [self.client(leatd) for _ in range(8)]
        outcomes = []

        def produce_on(client):
            try:
                while True:
                    result = client.produce([("t", 0, Stamped().batch(1, 0, 0))])[0]
                    outcomes.append(result.error.code)
            except LeatError as error:
                outcomes.append(error.name)
            except (ConnectionEnded, OSError):
                outcomes.append("ended")

        threads = [threading.Thread(target=produce_on, args=(c,)) for c in clients]
        for thread in threads:
            thread.start()
        daemon.eventually(lambda: len(outcomes) > 20)
        self.assertEqual(leatd.stop(), EXIT_OK)
        for thread in threads:
            thread.join(20)
        self.assertLessEqual(set(outcomes), {0, 6, "SHUTTING_DOWN", "ended"})
        leatd.start()
        with leatd.client() as client:
            self.assertGreaterEqual(len(daemon.read_batches(client, "t")), 1 + outcomes.count(0))


class StartTest(daemon.DaemonTest):

    def test_start_up_time_and_idle_memory(self):
        times, used = [], []
        for _ in range(5):
            leatd = self.daemon()
            times.append(leatd.started_ms)
            used.append(leatd.cpu_seconds())
            rss = leatd.rss_bytes()
            leatd.close()
        print("\n  start on an empty directory: %s ms, %.2f s of CPU; resident %.1f MiB" %
              (" ".join("%.0f" % t for t in times), min(used), rss / (1 << 20)))
        self.assertLess(min(used), 0.2)  # how long it takes is leat-bench's to judge, on a quiet machine
        self.assertLess(rss, 30 << 20)

    def test_banner_and_log(self):
        leatd = self.daemon()
        daemon.eventually(lambda: "next:" in leatd.log(), what="the banner")  # it follows the port file
        log = leatd.log()
        for part in ("leatd 0.", "data directory: " + leatd.data_dir, "listening on: " + leatd.address, "durability: ",
                     "recovery: a new data directory", "next: leat --address " + leatd.address + " produce"):
            self.assertIn(part, log)
        leatd.stop()
        leatd.base_options = ["--log-format", "json"]
        leatd.start()
        daemon.eventually(lambda: "clean start" in leatd.log(), what="the banner")
        leatd.stop()
        lines = [json.loads(line) for line in leatd.log().splitlines() if line.startswith("{")]
        self.assertTrue(any("clean start" in line["message"] for line in lines))
        self.assertTrue(all({"time", "level", "message"} <= set(line) for line in lines))

    def test_listening_addresses(self):
        families = [("127.0.0.1:0", ["127.0.0.1"]), ("127.0.0.2:0", ["127.0.0.2"]), ("localhost:0", ["127.0.0.1"])]
        if has_ipv6():
            families += [("[::1]:0", ["::1"]), ("localhost:0", ["::1"])]
        for listen, hosts in families:
            with self.subTest(listen, hosts=hosts):
                leatd = self.daemon(listen=listen)
                port = leatd.address.rsplit(":", 1)[1]
                if listen != "localhost:0" or any(h in leatd.log() for h in hosts):
                    for host in hosts:
                        with daemon.Client("[%s]:%s" % (host, port)) as client:
                            client.metadata()
                leatd.stop()

    def test_beyond_loopback_only_when_told(self):
        for listen in ("0.0.0.0:0", "[::]:0", "0.0.0.0", "[::ffff:0.0.0.0]:0"):
            leatd = self.daemon(listen=listen, start=False)
            code, output = leatd.run()
            self.assertEqual(code, daemon.EXIT_USAGE, output)
            self.assertIn("--insecure", output)
            self.assertFalse(os.path.exists(leatd.data_dir), "a wrong address is found before anything is touched")
        leatd = self.daemon("--insecure", listen="0.0.0.0:0")
        with daemon.Client("127.0.0.1:" + leatd.address.rsplit(":", 1)[1]) as client:
            client.metadata()

    def test_port_in_use(self):
        first = self.daemon()
        code, output = self.daemon(listen=first.address, start=False).run()
        self.assertEqual(code, EXIT_FAILED, output)
        self.assertRegex(output, first.address + ".*in use")

    def test_default_directory(self):
        home = self.directory()
        for variables, expected in (({"XDG_STATE_HOME": home + "/state", "HOME": home}, home + "/state/leat"),
                                    ({"HOME": home}, home + "/.local/state/leat"),
                                    ({"XDG_STATE_HOME": "relative", "HOME": home}, home + "/.local/state/leat")):
            port_file = os.path.join(self.directory(), "port")
            process = subprocess.Popen([LEATD, "--listen", "127.0.0.1:0", "--port-file", port_file], env=variables,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                daemon.eventually(lambda: os.path.exists(port_file) or process.poll() is not None)
                self.assertIsNone(process.poll())
                self.assertTrue(os.path.exists(os.path.join(expected, "format")), expected)
            finally:
                process.kill()
                process.wait()

    def test_low_limit_of_open_files(self):
        """Says so and works on: segment files are closed and opened again, connections are refused in the end."""
        leatd = self.daemon(start=False, topic_segment_bytes="16KiB", topic_batch_bytes_max="16KiB", open_files_max=16)
        leatd.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (480, 480)))
        self.assertIn("raise the limit", leatd.log())
        batch = Stamped(1, 6000)
        with leatd.client() as client:
            client.create_topic("t", 10)
            for i in range(200):
                self.assertEqual(client.produce([("t", i % 10, batch.batch(i, 0, 0))])[0].error.code, 0)
            idle = []
            for _ in range(600):
                sock = socket.create_connection(leatd.address.rsplit(":", 1), timeout=30)
                idle.append(sock)
                self.addCleanup(sock.close)
            for i in range(100):  # the one that was there is served
                self.assertEqual(client.produce([("t", i % 10, batch.batch(i, 1, 0))])[0].error.code, 0)
            for partition in range(10):
                self.assertEqual(len(daemon.read_batches(client, "t", partition)), 30)
            for sock in idle:
                sock.close()

            def served():
                try:
                    with leatd.client(timeout=5) as new:
                        return new.server_info().connections
                except (ConnectionEnded, OSError):
                    return None
            daemon.eventually(served, what="service for new connections")
        self.assertEqual(leatd.stop(), EXIT_OK)

    def test_limit_is_raised(self):
        leatd = self.daemon(start=False)
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        leatd.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard)))
        with open("/proc/%d/limits" % leatd.process.pid) as file:
            line, = [line for line in file if line.startswith("Max open files")]
        self.assertEqual(int(line.split()[3]), hard)

    def test_port_file(self):
        leatd = self.daemon()
        with open(leatd.port_file) as file:
            self.assertEqual(file.read(), leatd.address + "\n")
        leatd.stop()
        leatd.port_file = os.path.join(leatd.directory, "no", "such", "place")
        code, output = leatd.run()
        self.assertEqual(code, EXIT_FAILED, output)
        self.assertIn("no/such", output)


if __name__ == "__main__":
    daemon.main()
