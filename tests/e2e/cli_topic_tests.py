"""leat topic, server, completion, help and what every command shares."""

import os
import re
import shutil
import socket
import subprocess
import unittest

from cli_base import FAILED, LEAT, NOT_FOUND, OK, TIMED_OUT, UNREACHABLE, USAGE, CliTest, environment, run_leat


class TopicTest(CliTest):

    def test_create_list_describe_delete(self):
        self.assertIn("created topic 'one' with 2 partitions", self.leat("topic", "create", "one", "-p", 2).text)
        self.fails(FAILED, "topic", "create", "one", says="one")
        self.leat("topic", "create", "one", "--if-not-exists")
        self.assertIn("one", self.leat("topic", "list", "-o", "name").lines)
        rows = [line.split() for line in self.leat("topic", "list").lines]
        self.assertEqual(rows[0], ["NAME", "PARTITIONS", "DURABILITY"])
        self.assertIn(["one", "2", "durable"], rows)
        listed = {topic["name"]: topic for topic in self.leat("topic", "list", "--offsets", "-o", "json").json}
        self.assertEqual((listed["one"]["partitions"], listed["one"]["records"]), (2, 0))
        self.leat("produce", "one", "--partition", 1, stdin="a\nb\n")
        described = self.leat("topic", "describe", "one", "-o", "json").json
        self.assertEqual([(p["partition"], p["log_start_offset"], p["durable_offset"], p["visible_offset"],
                           p["end_offset"]) for p in described["partition_list"]], [(0, 0, 0, 0, 0), (1, 0, 2, 2, 2)])
        shown = self.leat("topic", "describe", "one").text
        for word in ("segment_bytes", "(default)", "LOG START", "DURABLE", "VISIBLE", "SEGMENTS"):
            self.assertIn(word, shown)
        self.leat("topic", "delete", "one", "--yes")
        self.assertNotIn("one", self.leat("topic", "list", "-o", "name").lines)
        self.fails(NOT_FOUND, "topic", "delete", "one", "--yes", says="one")
        self.leat("topic", "delete", "one", "--yes", "--if-exists")

    def test_delete_as_json(self):
        self.create(self.topic)
        done = self.leat("topic", "delete", self.topic, "missing", "-y", "--if-exists", "-o", "json").json_lines
        self.assertEqual(done, [{"topic": self.topic, "deleted": True}, {"topic": "missing", "deleted": False}])
        self.create(self.topic)
        self.assertEqual(self.leat("topic", "delete", self.topic, "missing", "-y", "--if-exists", "-o", "name").lines,
                         [self.topic])

    def test_several_at_once(self):
        created = self.leat("topic", "create", "s1", "s2", "-o", "json").json_lines
        self.assertEqual([(one["topic"], one["created"]) for one in created], [("s1", True), ("s2", True)])
        done = self.fails(NOT_FOUND, "topic", "delete", "s1", "missing", "s2", "-y", says="missing")
        self.assertEqual(done.lines, ["deleted topic 's1'", "deleted topic 's2'"])

    def test_settings(self):
        self.create("settings", 1, segment_bytes="1MiB")
        one = {s["name"]: s for s in self.leat("topic", "describe", "settings", "-o", "json").json["settings"]}
        self.assertEqual(one["segment_bytes"]["default"], False)
        self.assertEqual(one["segment_ms"]["default"], True)
        planned = self.leat("topic", "alter", "settings", "--set", "segment_bytes=2MiB", "-p", 3, "--dry-run").text
        self.assertIn("would change segment_bytes", planned)
        self.assertEqual(self.leat("topic", "describe", "settings", "-o", "json").json["partitions"], 1)
        self.assertIn("changed partitions: 1 -> 3",
                      self.leat("topic", "alter", "settings", "--set", "segment_bytes=2MiB", "-p", 3).text)
        changes = self.leat("topic", "alter", "settings", "--reset", "segment_bytes", "-o", "json").json["changes"]
        self.assertEqual([change["name"] for change in changes], ["segment_bytes"])

    def test_dry_run_creates_nothing(self):
        self.leat("topic", "create", "dry", "--dry-run")
        self.fails(FAILED, "topic", "create", "dry", "--dry-run", "--config", "nonsense=1", says="nonsense")
        self.assertNotIn("dry", self.leat("topic", "list", "-o", "name").lines)

    def test_bad_input_names_what_exists(self):
        self.create("payments", 2)
        self.fails(NOT_FOUND, "topic", "describe", "paymnets", says=["paymnets", "did you mean 'payments'"])
        self.fails(FAILED, "topic", "create", "no spaces", says="no spaces")
        self.fails(FAILED, "topic", "create", "..", says="..")
        self.fails(FAILED, "topic", "create", "x" * 250, says="249")
        self.fails(FAILED, "topic", "create", "many", "-p", 500000, says="partitions")
        self.fails(FAILED, "topic", "alter", "payments", "-p", 1, says="2")
        self.fails(FAILED, "topic", "create", "payments", says=["payments", "--if-not-exists", "topic alter payments"])
        self.fails(FAILED, "topic", "alter", "payments", "-r", "zzz", says=["zzz", "segment_bytes"])
        self.fails(NOT_FOUND, "topic", "alter", "paymnets", "-p", 3, says="did you mean 'payments'")
        self.fails(NOT_FOUND, "topic", "delete", "paymnets", "-y", says="did you mean 'payments'")
        self.fails(NOT_FOUND, "consume", "payments", "--partitions", 2, says=["0 to 1", "topic alter payments"])
        self.fails(FAILED, "topic", "create", "c", "-c", "segment_byte=1", says="segment_bytes")
        self.fails(FAILED, "topic", "create", "c", "-c", "segment_bytes=blue", says="segment_bytes")

    def test_delete_asks_a_person(self):
        self.create("asked")
        self.fails(USAGE, "topic", "delete", "asked", says="--yes")
        code, shown = self.on_terminal("topic", "delete", "asked", typed=b"n\n")
        self.assertEqual(code, FAILED)
        self.assertIn("[y/N]", shown)
        self.assertIn("asked", self.leat("topic", "list", "-o", "name").lines)
        code, _ = self.on_terminal("topic", "delete", "asked", typed=b"y\n")
        self.assertEqual(code, OK)
        self.assertNotIn("asked", self.leat("topic", "list", "-o", "name").lines)

    def test_colours_only_on_a_terminal(self):
        self.assertNotIn("\x1b", self.leat("topic", "list").text)
        self.assertIn("\x1b[1m", self.on_terminal("topic", "list")[1])
        self.assertNotIn("\x1b", self.on_terminal("topic", "list", environ={"NO_COLOR": "1"})[1])


class ServerTest(CliTest):

    def test_info(self):
        info = self.leat("server", "info", "-o", "json").json
        self.assertEqual(info["data_dir"], self.leatd.data_dir)
        self.assertEqual(info["recovery"]["partitions_fenced"], 0)
        self.assertGreater(info["limits"]["batch_bytes_max"], 0)
        shown = self.leat("server", "info").text
        for word in ("version", "up", "data directory", "recovery", "limits"):
            self.assertIn(word, shown)
        settings = self.leat("server", "info", "--settings", "-o", "json").json["settings"]
        self.assertTrue(any(setting["name"] for setting in settings))

    def test_stats(self):
        metrics = self.leat("server", "stats", "-o", "json").json
        self.assertGreater(len(metrics), 5)
        for metric in metrics:
            self.assertEqual(set(metric), {"name", "value", "unit", "kind", "doc"})
        self.assertIn("METRIC", self.leat("server", "stats").lines[0])


class SharedTest(CliTest):

    def test_version_and_help(self):
        self.assertRegex(self.leat("--version").text, r"^leat \d+\.\d+\.\d+\n$")
        self.assertEqual(self.leat("version").text, self.leat("--version").text)
        self.assertEqual("leat %s\n" % self.leat("version", "-o", "json").json["version"], self.leat("--version").text)
        for command in ([], ["topic"], ["topic", "create"], ["produce"], ["consume"], ["replay"], ["log", "verify"]):
            self.assertIn("--help", self.leat(*command, "--help").text)
        self.assertIn("5 daemon unreachable", self.leat("--help").text)

    def test_usage_errors(self):
        for arguments, says in [([], "needs a command"), (["topic"], "needs a command"),
                                (["topc"], "did you mean 'topic'"), (["topic", "lst"], "did you mean 'list'"),
                                (["topic", "list", "--intrenal"], "did you mean '--internal'"),
                                (["consume"], "TOPIC"), (["consume", "t", "-o", "xml"], "xml"),
                                (["topic", "create", "t", "-p", "0"], "0"), (["topic", "create", "t", "-c", "x"], "x"),
                                (["topic", "alter", "t"], "nothing to change"),
                                (["topic", "list", "--timeout", "soon"], "soon"),
                                (["topic", "list", "--timeout", "0"], "--timeout"),
                                (["consume", "t", "-n", "-1"], "0 to 9223372036854775807"),
                                (["produce", "t", "-p", "-1"], "0 to 2147483647"),
                                (["topic", "list", "--address", "http://localhost:1"], "without http://"),
                                (["consume", "t", "--from", ""], "--from"), (["consume", "t", "--to", ""], "--to"),
                                (["consume", "t", "--partitions", ""], "--partitions"),
                                (["consume", "t", "--offset", ""], "--offset"), (["replay", "t", "--into", ""], "--into"),
                                (["replay", "t", "-z", "zstd"], "--into"), (["replay", "t", "--acks", "none"], "--into"),
                                (["completion", "tcsh"], "tcsh")]:
            self.fails(USAGE, *arguments, says=says)

    def test_unreachable(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = "127.0.0.1:%d" % free.getsockname()[1]
        for command in (["topic", "list"], ["consume", "t"], ["produce", "t"], ["replay", "t"], ["server", "info"]):
            result = run_leat(*command, address=address)
            self.assertEqual(result.code, UNREACHABLE, result.err)
            for word in (address, "leatd", "--address", "LEAT_ADDRESS"):
                self.assertIn(word, result.err)
        result = run_leat("topic", "list", "--address", self.leatd.address, address=address)
        self.assertEqual(result.code, OK, "the option wins over the environment: " + result.err)

    def test_silent_server(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            result = run_leat("topic", "list", "--timeout", "300ms", address="127.0.0.1:%d" % silent.getsockname()[1])
        self.assertEqual(result.code, TIMED_OUT, result.err)
        self.assertIn("--timeout", result.err)

    def test_bad_address(self):
        for address in ("localhost:port", "localhost:99999", ":", "localhost:0"):
            result = run_leat("topic", "list", "--timeout", "2s", address=address)
            self.assertIn(result.code, (USAGE, UNREACHABLE), address + result.err)
            self.assertIn("leat: ", result.err)

    def test_closed_standard_descriptors(self):
        """A closed standard output is an error; its number is not given to a connection."""
        self.leat("produce", self.topic, stdin="x\n")
        for script, code in (("consume %s -e >&-", FAILED), ("consume %s -e 2>&-", OK), ("consume %s -e <&-", OK),
                             ("produce %s <&-", FAILED), ("topic list >&- 2>&- <&-", FAILED)):
            words = "'%s' %s" % (LEAT, script % self.topic if "%s" in script else script)
            done = subprocess.run(["bash", "-c", words], capture_output=True, timeout=60, check=False,
                                  env=environment(self.leatd.address))
            self.assertEqual(done.returncode, code, script + done.stderr.decode())
        self.assertEqual(self.consume(self.topic), ["x"])

    def test_full_output(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([LEAT, "topic", "list"], stdout=full, stderr=subprocess.PIPE, check=False,
                                  env=environment(self.leatd.address))
        self.assertEqual(done.returncode, FAILED)
        self.assertIn(b"No space left", done.stderr)


class CompletionTest(CliTest):

    def complete(self, *words):
        """What bash offers for the last of these words."""
        script = self.path("leat.bash", self.leat("completion", "bash").out)
        pieces = [piece for word in words for piece in (re.findall("[:=]|[^:=]+", word) or [""])]  # as bash does
        line = " ".join("'%s'" % piece for piece in pieces)
        test = ("source %s; compopt() { :; }; COMP_LINE='%s %s'; COMP_WORDS=('%s' %s); COMP_CWORD=%d; _leat; "
                "printf '%%s\\n' \"${COMPREPLY[@]}\"" % (script, LEAT, " ".join(words), LEAT, line, len(pieces)))
        done = subprocess.run(["bash", "-c", test], capture_output=True, text=True, check=True,
                              env=environment(self.leatd.address))
        self.assertEqual(done.stderr, "")
        return done.stdout.splitlines()

    def test_bash_joins_what_it_splits(self):
        self.leat("topic", "create", "completed", "--if-not-exists")
        for words in (["--address", self.leatd.address], ["--address=" + self.leatd.address]):
            for command in (["consume"], ["topic", "describe"], ["replay", "x", "--into"]):
                self.assertEqual(self.complete(*words, *command, "comp"), ["completed"], words)
        self.assertEqual(self.complete("topic", "list", "--output=j"), ["json"])
        self.assertEqual(self.complete("replay", "x", "--into=comp"), ["completed"])
        self.assertEqual(set(self.complete("--")), {"--help", "--version", "--address", "--timeout"})

    def test_bash_offers_files_where_files_go(self):
        """produce TOPIC FILE...: the first word is a topic, all others are files, whatever options stand between."""
        self.leat("topic", "create", "completed", "--if-not-exists")
        name = self.path("comp leted.txt", b"x\n")
        os.mkdir(self.path("dir"))
        start = os.path.join(self.directory.name, "")
        self.assertEqual(self.complete("produce", "comp"), ["completed"])
        for words in (["completed"], ["-k", "key", "completed"], ["completed", "--header", "a=b", "other.txt"],
                      ["completed", "--timeout", "3s"], ["-q", "completed"]):
            self.assertEqual(set(self.complete("produce", *words, start)), {name, start + "dir", start + "leat.bash"}, words)
        self.assertEqual(self.complete("log", "dump", start + "comp"), [name])
        self.assertEqual(self.complete("log", "verify", start), [start + "dir"])
        self.assertEqual(self.complete("consume", "completed", ""), [""])
        self.assertEqual(self.complete("topic", "delete", "completed", "comp"), ["completed"])

    def test_bash(self):
        self.leat("topic", "create", "completed", "--if-not-exists")
        self.assertEqual(self.complete("to"), ["topic"])
        self.assertEqual(set(self.complete("topic", "")), {"create", "list", "describe", "alter", "delete"})
        self.assertIn("--exit-at-end", self.complete("consume", "--ex"))
        self.assertIn("--address", self.complete("consume", "--a"))
        self.assertEqual(self.complete("consume", "comp"), ["completed"])
        self.assertEqual(self.complete("topic", "describe", "comp"), ["completed"])
        self.assertEqual(self.complete("replay", "completed", "--into", "comp"), ["completed"])
        self.assertEqual(self.complete("produce", "t", "--compression", "z"), ["zstd"])
        self.assertEqual(self.complete("topic", "list", "-o", ""), ["table", "json", "name"])

    @unittest.skipUnless(shutil.which("zsh"), "needs zsh")
    def test_zsh(self):
        self.leat("topic", "create", "completed", "--if-not-exists")
        script = self.path("leat.zsh", self.leat("completion", "zsh").out)
        for words, expected in ((["to"], "topic"), (["consume", "comp"], "completed"), (["produce", "t", "-z", ""], "lz4"),
                                (["topic", "list", "--o"], "--offsets"), (["completion", ""], "fish"),
                                (["produce", "-k", "x", "completed", ""], "FILES"), (["log", "verify", ""], "FILES"),
                                (["produce", ""], "completed")):
            test = ("compdef() { :; }; source %s; compadd() { shift; print -l -- $@; }; _files() { [[ -o nomatch ]] || print FILES; }; unsetopt nomatch; words=('%s' %s); "
                    "CURRENT=$#words; _leat" % (script, LEAT, " ".join("'%s'" % word for word in words)))
            done = subprocess.run(["zsh", "-f", "-c", test], capture_output=True, text=True, check=True,
                                  env=environment(self.leatd.address))
            self.assertIn(expected, done.stdout.split(), done.stderr)

    @unittest.skipUnless(shutil.which("fish"), "needs fish")
    def test_fish(self):
        self.leat("topic", "create", "completed", "--if-not-exists")
        script = self.path("leat.fish", self.leat("completion", "fish").out)
        env = dict(environment(self.leatd.address), HOME=self.directory.name,
                   PATH=os.path.dirname(LEAT) + ":" + os.environ["PATH"])
        for line, expected in (("leat to", "topic"), ("leat consume comp", "completed"), ("leat produce t -z l", "lz4"),
                               ("leat topic list --o", "--offsets"), ("leat completion ", "fish"),
                               ("leat produce comp", "completed"),
                               ("leat produce -k x completed %s" % script[:-5], script),
                               ("leat log dump %s" % script[:-5], script)):
            done = subprocess.run(["fish", "-c", "source %s; complete -C '%s'" % (script, line)], capture_output=True,
                                  text=True, check=True, env=env)
            self.assertIn(expected, [offer.split("\t")[0] for offer in done.stdout.splitlines()], done.stderr)

    def test_other_shells(self):
        for shell in ("zsh", "fish"):
            script = self.leat("completion", shell)
            self.assertIn("topic list -o name", script.text)
            self.assertIn("exit-at-end", script.text)
            if shutil.which(shell):
                path = self.path("script", script.out)
                check = subprocess.run([shell, "-n", path], capture_output=True, check=False)
                self.assertEqual((check.returncode, check.stderr), (0, b""))
