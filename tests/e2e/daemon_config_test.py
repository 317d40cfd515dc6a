"""leatd's command line and configuration: sources and their order, what is refused and how that is said."""

import json
import os
import subprocess

import daemon
from daemon import EXIT_OK, EXIT_USAGE, LEATD


class ConfigTest(daemon.DaemonTest):

    def setUp(self):
        self.home = self.directory()
        self.data_dir = os.path.join(self.home, "never")

    def tearDown(self):
        self.assertFalse(os.path.exists(self.data_dir), "looking at the configuration made a data directory")

    def leatd(self, *arguments, **environment):
        """(exit code, stdout, stderr)"""
        variables = {"HOME": self.home, "LEAT_DATA_DIR": self.data_dir, **environment}
        done = subprocess.run([LEATD, *arguments], env=variables, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=20, check=False)
        return done.returncode, done.stdout, done.stderr

    def file(self, text, name="leatd.toml"):
        path = os.path.join(self.home, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def assert_usage(self, result, *words):
        code, out, err = result
        self.assertEqual((code, out), (EXIT_USAGE, ""), err)
        for word in words:
            self.assertIn(word, err)
        self.assertLess(len(err.splitlines()), 5, "one message, not a page:\n" + err)

    def settings(self, *arguments, **environment):
        code, out, err = self.leatd("--print-config", "-o", "json", *arguments, **environment)
        self.assertEqual(code, EXIT_OK, err)
        return {row["name"]: row for row in json.loads(out)}

    def test_version(self):
        code, out, err = self.leatd("--version")
        self.assertEqual((code, err), (EXIT_OK, ""))
        self.assertRegex(out, r"^leatd \d+\.\d+\.\d+\S*\n$")

    def test_help(self):
        code, out, err = self.leatd("--help")
        self.assertEqual((code, err), (EXIT_OK, ""))
        for word in ("--config", "--data-dir", "--listen", "--insecure", "--check-config", "--print-config",
                     "Exit codes", "LEAT_", "--version"):
            self.assertIn(word, out)

    def test_wrong_usage(self):
        self.assert_usage(self.leatd("--nonsense"), "nonsense")
        self.assert_usage(self.leatd("stray"), "stray")
        self.assert_usage(self.leatd("--set", "no-equals-sign"), "NAME=VALUE")
        self.assert_usage(self.leatd("--data-dir"), "--data-dir")

    def test_check_config(self):
        self.assertEqual(self.leatd("--check-config")[0], EXIT_OK)
        good = self.file('listen = "127.0.0.1:1234"\nframe_bytes_max = "16MiB"\nfetch_bytes_max = 1048576\n'
                         'auto_create_topics = false\n[topic]\nsegment_bytes = "64MiB"\n')
        self.assertEqual(self.leatd("--config", good, "--check-config")[0], EXIT_OK)

    def test_order_of_sources(self):
        """Flag before environment before file before default, each told with its place."""
        path = self.file('network_threads = 2\nlog_level = "debug"\nidle_ms_max = "1h"\n'
                         '[topic]\nsegment_bytes = "64MiB"\nflush_ms = "7ms"\n')
        rows = self.settings("--config", path, "--log-level", "error", "--set", "topic.flush_ms=9ms",
                             LEAT_LOG_LEVEL="warn", LEAT_IDLE_MS_MAX="2h", LEAT_TOPIC_FLUSH_MS="8ms")
        for name, value, source in (("log_level", "error", "flag"), ("idle_ms_max", "2h", "environment LEAT_IDLE_MS_MAX"),
                                    ("network_threads", "2", path + ":1"), ("topic.segment_bytes", "64MiB", path + ":5"),
                                    ("topic.flush_ms", "9ms", "flag"), ("frame_bytes_max", "32MiB", "default")):
            self.assertEqual((rows[name]["value"], rows[name]["source"]), (value, source), name)
        by_variable = self.settings(LEAT_CONFIG=path)
        self.assertEqual(by_variable["network_threads"]["value"], "2")

    def test_print_config_lists_everything(self):
        rows = self.settings()
        code, table, _ = self.leatd("--print-config")
        self.assertEqual(code, EXIT_OK)
        self.assertEqual([line.split()[0] for line in table.splitlines()], list(rows))
        for name in ("data_dir", "listen", "connections_max", "memory_bytes_max", "topic.durability"):
            self.assertTrue(rows[name]["doc"], name)
        self.assertEqual(rows["data_dir"]["value"], self.data_dir)
        # What is printed is taken back.
        for name, row in rows.items():
            if row["value"]:
                code, _, err = self.leatd("--check-config", "--set", "%s=%s" % (name, row["value"]))
                self.assertEqual(code, EXIT_OK, "%s=%s: %s" % (name, row["value"], err))

    def test_running_daemon_tells_its_settings(self):
        leatd = self.daemon(memory_bytes_max="77MiB")
        with leatd.client() as client:
            settings = {s.name: s.value for s in client.server_info(include_settings=True).settings}
        self.assertEqual(settings["memory_bytes_max"], "77MiB")
        self.assertLessEqual(set(self.settings()), set(settings))

    def test_unknown_names(self):
        for text, wrong, near in (("lisen = 'x'", "lisen", "listen"), ("[topic]\nsegment_byte = 1", "topic.segment_byte",
                                                                       "topic.segment_bytes"),
                                  ("frame_byte_max = 1", "frame_byte_max", "frame_bytes_max")):
            path = self.file(text)
            line = len(text.splitlines())
            self.assert_usage(self.leatd("--config", path, "--check-config"), "%s:%d" % (path, line), wrong, near)
            self.assert_usage(self.leatd("--config", path), wrong, near)  # the start as well
        self.assert_usage(self.leatd("--check-config", "--set", "conections_max=5"), "conections_max", "connections_max")

    def test_bad_values(self):
        for name, value in (("network_threads", "0"), ("network_threads", "many"), ("frame_bytes_max", "-1"),
                            ("frame_bytes_max", "1XB"), ("idle_ms_max", "5 parsecs"), ("log_level", "loud"),
                            ("auto_create_topics", "maybe"), ("connections_max", "99999999999999999999"),
                            ("topic.durability", "sometimes"), ("topic.segment_bytes", "1TiB"), ("log_format", "")):
            with self.subTest(name, value=value):
                bare = name.replace("topic.", "")
                self.assert_usage(self.leatd("--check-config", "--set", "%s=%s" % (name, value)), bare, "flag")
                variable = "LEAT_" + name.upper().replace(".", "_")
                self.assert_usage(self.leatd("--check-config", **{variable: value}), bare, variable)

    def test_settings_that_contradict_each_other(self):
        self.assert_usage(self.leatd("--check-config", "--set", "topic.batch_bytes_max=64MiB"), "frame_bytes_max")
        self.assert_usage(self.leatd("--check-config", "--set", "fetch_bytes_max=1GiB"), "frame_bytes_max")

    def test_toml_errors(self):
        for text in ("listen = ", "[topic\n", "x = 1\nx = 2", "listen = 'a\n", "\x00", "= 5"):
            path = self.file(text)
            with self.subTest(text):
                self.assert_usage(self.leatd("--config", path, "--check-config"), path + ":")
        path = self.file('listen = ["127.0.0.1:1", "127.0.0.1:2"]')
        self.assert_usage(self.leatd("--config", path, "--check-config"), path + ":1", "listen")
        path = self.file("network_threads = 1.5")
        self.assert_usage(self.leatd("--config", path, "--check-config"), path + ":1", "network_threads")

    def test_config_file_missing(self):
        self.assert_usage(self.leatd("--config", "/no/such/file", "--check-config"), "/no/such/file")
        self.assert_usage(self.leatd("--config", self.home), self.home)

    def test_listen_addresses(self):
        for listen in ("127.0.0.1:99999", "127.0.0.1:x", "::1:5", ":5", "[::1", "no-such-host.invalid:1"):
            with self.subTest(listen):
                self.assert_usage(self.leatd("--check-config", "--listen", listen), "listen")
        for listen in ("127.0.0.1", "127.0.0.1:0", "[::1]:1", "localhost:5"):
            with self.subTest(listen):
                self.assertEqual(self.leatd("--check-config", "--listen", listen)[0], EXIT_OK)
        self.assert_usage(self.leatd("--check-config", "--listen", "0.0.0.0:1"), "--insecure")
        self.assertEqual(self.leatd("--check-config", "--listen", "0.0.0.0:1", "--insecure")[0], EXIT_OK)

    def test_variables_that_are_no_settings(self):
        for action in ((), ("--check-config",), ("--print-config",)):
            self.assert_usage(self.leatd(*action, LEAT_LISTN="x"), "LEAT_LISTN", "LEAT_LISTEN")
        self.assertEqual(self.leatd("--check-config", LEAT_ADDRESS="localhost:1")[0], EXIT_OK)

    def test_a_pipe_is_no_empty_configuration(self):
        path = self.home + "/pipe"
        os.mkfifo(path)
        self.assert_usage(self.leatd("--config", path, "--check-config"), path, "regular file")

    def test_no_home(self):
        done = subprocess.run([LEATD, "--check-config"], env={}, capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual(done.returncode, EXIT_USAGE)
        self.assertIn("--data-dir", done.stderr)

    def test_endings_of_pipes(self):
        """A reader that goes away early is no crash."""
        process = subprocess.Popen([LEATD, "--print-config"], env={"HOME": self.home}, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        process.stdout.close()
        process.stderr.close()
        self.assertIn(process.wait(20), (0, 1, -13))


if __name__ == "__main__":
    daemon.main()
