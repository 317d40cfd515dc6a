"""What bad or greedy clients get, as seen from outside: closed connections with a counted reason, bounded memory, and
nobody else disturbed."""

import random
import select
import socket
import statistics
import struct
import time

import daemon
import leat_client as leat
from daemon import Stamped, eventually
from leat_client import ConnectionEnded, pb

MIB = 1 << 20
IDLE_CONNECTIONS = 10000
TINY, SMALL, LARGE = Stamped(), Stamped(1, 3000), Stamped(1, MIB)
HELLO = leat.encode_frame(pb.RequestHeader(correlation_id=1, hello=pb.HelloRequest(version_min=1, version_max=1)))


def prefix(rest, header):
    return b"LEAT" + struct.pack(">II", rest, header)


def produce_frame(topic, batch, correlation_id=2):
    request = pb.ProduceRequest(partitions=[pb.ProducePartition(topic=topic, batch_bytes=len(batch))])
    return leat.encode_frame(pb.RequestHeader(correlation_id=correlation_id, produce=request), batch)


class LimitsTest(daemon.DaemonTest):

    def raw(self, leatd, data=b"", timeout=30):
        sock = socket.create_connection(leatd.address.rsplit(":", 1), timeout=timeout)
        self.addCleanup(sock.close)
        try:
            sock.sendall(data)
        except ConnectionError:
            pass  # the answer came before the end of what was sent
        return sock

    def replies_until_close(self, sock):
        """Errors of the replies until the broker closes; fails when it does not."""
        errors = []
        data = b""
        try:
            while piece := sock.recv(65536):
                data += piece
        except ConnectionError:
            pass
        sock.close()
        while len(data) >= 12:
            _, rest, header = leat.PREFIX.unpack_from(data)
            errors.append(leat.ERRORS[pb.ResponseHeader.FromString(data[12:12 + header]).error.code][0])
            data = data[12 + rest:]
        return errors

    def latency_ms(self, client, count=60):
        """Time of one durable produce and one small question: the fastest tenth, because others use this machine too."""
        times = []
        for i in range(count):
            begin = time.monotonic()
            client.server_info()
            self.assertEqual(client.produce([("latency", 0, TINY.batch(i, 0, 0))])[0].error.code, 0)
            times.append((time.monotonic() - begin) * 1000)
        return statistics.quantiles(times, n=10)[0]

    def assert_counted(self, leatd, name, least, client):
        return eventually(lambda: leatd.metrics(client)[name] >= least, what="%s >= %d" % (name, least))


class BadBytesTest(LimitsTest):

    def test_each_kind_is_closed_counted_and_told(self):
        leatd = self.daemon()
        client = self.client(leatd)
        cases = [  # (what, bytes, errors told before the close)
            ("wrong magic", b"LEAX" + bytes(8), ["INVALID_REQUEST"]),
            ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", ["INVALID_REQUEST"]),
            ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32), ["INVALID_REQUEST"]),
            ("oversized length", HELLO + prefix(0xFFFFFFFF, 10), ["NONE", "FRAME_TOO_LARGE"]),
            ("oversized first frame", prefix(8 * 1024, 100), ["FRAME_TOO_LARGE"]),
            ("header longer than the frame", HELLO + prefix(10, 11) + bytes(11), ["NONE", "INVALID_REQUEST"]),
            ("header over 1 MiB", HELLO + prefix(2 * MIB, MIB + 1), ["NONE", "INVALID_REQUEST"]),
            ("header that is no protobuf", HELLO + prefix(3, 3) + b"\xff\xff\xff", ["NONE", "INVALID_REQUEST"]),
            ("garbage behind Hello", HELLO + b"garbage garbage", ["NONE", "INVALID_REQUEST"])]
        for number, (what, data, expected) in enumerate(cases):
            with self.subTest(what):
                errors = self.replies_until_close(self.raw(leatd, data))
                self.assertEqual([e if e != "FRAME_TOO_LARGE" or "larger" not in what else e for e in errors], expected)
                self.assert_counted(leatd, "connections_closed_bad_frame", number + 1, client)
        self.assertEqual(leatd.metrics(client)["bad_frames"], len(cases))
        self.assertIn("bad_frame", leatd.log())
        for what, data, expected in (
                ("no Hello", leat.encode_frame(pb.RequestHeader(correlation_id=1, metadata=pb.MetadataRequest())),
                 ["NOT_READY"]),
                ("version", leat.encode_frame(pb.RequestHeader(correlation_id=1, hello=pb.HelloRequest(
                    version_min=7, version_max=9))), ["UNSUPPORTED_VERSION"])):
            with self.subTest(what):
                self.assertEqual(self.replies_until_close(self.raw(leatd, data)), expected)
        self.assert_counted(leatd, "connections_closed_hello", 2, client)

    def test_random_bytes_and_mutated_frames(self):
        """Thousands of broken connections change nothing for the one that works."""
        leatd = self.daemon(hello_timeout_ms="2s", frame_timeout_ms="2s")
        client = self.client(leatd)
        seed = random.SystemRandom().randrange(1 << 31)
        chance = random.Random(seed)
        batch = Stamped(3, 50).batch(1, 2, 3)
        good = HELLO + produce_frame("latency", batch) + leat.encode_frame(pb.RequestHeader(
            correlation_id=3, fetch=pb.FetchRequest(partitions=[pb.FetchPartition(topic="latency")])))
        self.latency_ms(client, 5)
        before = leatd.rss_bytes()
        sockets = []
        for i in range(1500):
            data = bytearray(good)
            for _ in range(chance.randrange(1, 5)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            data = data[:chance.randrange(len(data))] if i % 3 == 0 else data
            data = chance.randbytes(chance.randrange(1, 3000)) if i % 5 == 0 else bytes(data)
            sockets.append(self.raw(leatd, data))
            if len(sockets) > 100:
                sockets.pop(0).close()
            if i % 100 == 0:
                self.latency_ms(client, 2)
        self.assertLess(leatd.rss_bytes() - before, 32 * MIB, "seed %d" % seed)
        for sock in sockets:
            sock.close()
        eventually(lambda: client.server_info().connections == 1)
        for base, _, stored in daemon.read_batches(client, "latency"):  # nothing broken was stored
            self.assertEqual(leat.crc32c(stored[21:]), struct.unpack_from(">I", stored, 17)[0], base)

    def test_cut_anywhere_and_one_byte_at_a_time(self):
        leatd = self.daemon()
        client = self.client(leatd)
        data = HELLO + produce_frame("cut", Stamped(1, 10).batch(1, 2, 3))
        for cut in range(len(data)):
            sock = self.raw(leatd, data[:cut])
            sock.shutdown(socket.SHUT_WR)
            self.replies_until_close(sock)
        inside_a_frame = len(data) - 2
        sock = self.raw(leatd)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(data)):
            sock.sendall(data[at:at + 1])
        received = b""
        while len(received) < 12 or received.count(b"LEAT") < 2:
            received += sock.recv(65536)
        eventually(lambda: client.server_info().connections == 2)
        self.assertEqual(len(daemon.read_batches(client, "cut")), 1)  # of the whole one only
        self.assertEqual(leatd.metrics(client)["connections_closed_bad_frame"], inside_a_frame)

    def test_memory_does_not_follow_declared_sizes(self):
        leatd = self.daemon(frame_bytes_max="1GiB")
        client = self.client(leatd)
        before = leatd.rss_bytes()
        for _ in range(200):
            self.raw(leatd, HELLO + prefix(1 << 29, 1000) + b"x" * 500)
        eventually(lambda: client.server_info().connections >= 201)
        self.latency_ms(client, 5)
        grown = leatd.rss_bytes() - before
        print("\n  200 frames of 512 MiB declared: %.1f MiB more resident" % (grown / MIB))
        self.assertLess(grown, 64 * MIB)


class TimeLimitsTest(LimitsTest):

    def drip(self, sock, data, timeout=15):
        """Sends a byte now and then until the broker closes; the seconds that took."""
        begin = time.monotonic()
        for at in range(len(data)):
            readable, _, _ = select.select([sock], [], [], 0.05)
            if readable:
                self.replies_until_close(sock)
                return time.monotonic() - begin
            try:
                sock.sendall(data[at:at + 1])
            except ConnectionError:
                return time.monotonic() - begin
            self.assertLess(time.monotonic() - begin, timeout, "still open")
        raise AssertionError("everything was taken")

    def test_slow_first_frame(self):
        leatd = self.daemon(hello_timeout_ms="700ms")
        client = self.client(leatd)
        request = leat.encode_frame(pb.RequestHeader(correlation_id=1, hello=pb.HelloRequest(
            version_min=1, version_max=1, client_name="x" * 4000)))
        seconds = self.drip(self.raw(leatd), request)
        self.assertTrue(0.5 < seconds < 10, seconds)
        begin = time.monotonic()
        self.assertEqual(self.replies_until_close(self.raw(leatd)), ["LIMIT_EXCEEDED"])  # not a single byte
        self.assertLess(time.monotonic() - begin, 10)
        self.assert_counted(leatd, "connections_closed_hello_timeout", 2, client)

    def test_slow_later_frame(self):
        leatd = self.daemon(frame_timeout_ms="700ms")
        client = self.client(leatd)
        slow = self.client(leatd)
        seconds = self.drip(slow.socket, produce_frame("t", Stamped(1, 4000).batch(1, 2, 3)))
        self.assertTrue(0.5 < seconds < 10, seconds)
        self.assert_counted(leatd, "connections_closed_frame_timeout", 1, client)

    def test_idle_connections(self):
        leatd = self.daemon(idle_ms_max="400ms")
        idle = self.client(leatd)
        waiting = self.client(leatd)
        client = self.client(leatd)
        client.create_topic("wait", 1)
        fetch = waiting.send_fetch([("wait", 0, 0)], max_wait_ms=20000, min_bytes=1)
        begin = time.monotonic()
        while not select.select([idle.socket], [], [], 0.1)[0]:
            client.metadata()  # one that asks is not idle
            self.assertLess(time.monotonic() - begin, 15)
        with self.assertRaises((ConnectionEnded, ConnectionError)):
            idle.read_frame()
        while leatd.metrics(client)["connections_closed_idle"] < 1:
            self.assertLess(time.monotonic() - begin, 15)
        client.produce([("wait", 0, TINY.batch(1, 2, 3))])
        (_, data), = waiting.wait_fetch(fetch)  # nor one that waits
        self.assertEqual(len(daemon.split_batches(data)), 1)

    def test_consumer_that_never_reads(self):
        """Asks for gigabytes and takes nothing: bounded memory, others served, closed in the end."""
        leatd = self.daemon(send_stall_ms="2s", topic_segment_bytes="16MiB")
        client = self.client(leatd)
        for i in range(64):
            client.produce([("big", 0, LARGE.batch(i, 0, 0))])
        for i in range(300):  # small ones do not leave by sendfile
            client.produce([("small", 0, SMALL.batch(i, 0, 0))])
        quiet = self.latency_ms(client)
        before = leatd.rss_bytes()
        greedy = []
        for number in range(12):
            one = self.client(leatd)
            one.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.socket.settimeout(0.2)
            greedy.append(one)
            try:
                for _ in range(400):
                    one.send_fetch([("big" if number % 2 else "small", 0, 0)])
            except TimeoutError:
                pass  # the broker stopped reading
        busy = self.latency_ms(client)
        grown = leatd.rss_bytes() - before
        print("\n  12 consumers that never read: %.1f MiB more resident, latency %.2f ms (%.2f ms without)" %
              (grown / MIB, busy, quiet))
        self.assertLess(grown, 160 * MIB)
        self.assertLess(busy, 10 * quiet + 20)
        self.assert_counted(leatd, "connections_closed_send_stall", 12, client)
        eventually(lambda: client.server_info().connections == 1)
        self.assertEqual(leatd.metrics(client)["memory_used_bytes"], 0)


class ManyTest(LimitsTest):

    def test_connection_limit(self):
        leatd = self.daemon(connections_max=5)
        clients = [self.client(leatd) for _ in range(5)]
        for _ in range(3):
            self.assertEqual(self.replies_until_close(self.raw(leatd)), ["LIMIT_EXCEEDED"])
        self.assert_counted(leatd, "connections_refused", 3, clients[0])
        clients.pop().close()
        eventually(lambda: clients[0].server_info().connections == 4)
        self.client(leatd).metadata()

    def test_memory_budget(self):
        """Half-sent frames of many connections: reading stops at the budget, small requests go on, and all is well again
        when the senders are gone."""
        leatd = self.daemon(memory_bytes_max="16MiB", frame_timeout_ms="3s")
        client = self.client(leatd)
        quiet = self.latency_ms(client)
        before = leatd.rss_bytes()
        batch = Stamped(1, 4 * MIB - 4096).batch(1, 2, 3)
        frame = produce_frame("big", batch)
        half = frame[:len(frame) * 3 // 4]
        senders = []
        for _ in range(40):
            sock = self.raw(leatd, HELLO)
            sock.setblocking(False)
            senders.append([sock, half])
        begin = time.monotonic()
        while time.monotonic() - begin < 1.5:  # as much as the broker takes
            for sender in senders:
                try:
                    sender[1] = sender[1][sender[0].send(sender[1][:65536]):]
                except BlockingIOError:
                    pass
                except ConnectionError:
                    sender[1] = b""
        busy = self.latency_ms(client)
        metrics = leatd.metrics(client)
        grown = leatd.rss_bytes() - before
        print("\n  120 MiB offered to a budget of 16 MiB: %.1f MiB used, %.1f MiB more resident, latency %.2f ms "
              "(%.2f ms without)" % (metrics["memory_used_bytes"] / MIB, grown / MIB, busy, quiet))
        self.assertGreater(metrics["paused_by_memory"], 0)
        self.assertLess(grown, 64 * MIB)
        self.assertLess(busy, 10 * quiet + 20)
        for sock, _ in senders:
            sock.close()
        eventually(lambda: client.server_info().connections == 1)
        eventually(lambda: leatd.metrics(client)["memory_used_bytes"] < MIB)
        self.assertEqual(client.produce([("big", 0, batch)])[0].error.code, 0)

    def test_ten_thousand_idle_connections(self):
        limit = daemon.raise_open_files(30000)
        count = min(IDLE_CONNECTIONS, limit - 600)
        if count < IDLE_CONNECTIONS:
            print("\n  ONLY %d CONNECTIONS: the hard limit of open files is %d" % (count, limit))
        leatd = self.daemon(connections_max=count + 50, open_files_max=64)
        client = self.client(leatd)
        quiet = self.latency_ms(client, 200)
        before = leatd.rss_bytes()
        begin = time.monotonic()
        address = leatd.address.rsplit(":", 1)
        sockets = []
        try:
            for _ in range(count):
                sock = socket.create_connection(address, timeout=30)
                sock.sendall(HELLO)
                sockets.append(sock)
            for sock in sockets:
                self.assertTrue(sock.recv(4096).startswith(b"LEAT"))
            seconds = time.monotonic() - begin
            self.assertEqual(client.server_info().connections, count + 1)
            grown = leatd.rss_bytes() - before
            busy = self.latency_ms(client, 200)
            ticks = leatd.cpu_seconds()
            time.sleep(0.5)  # a time to measure, not to wait for anything
            used = leatd.cpu_seconds() - ticks
            print("\n  %d idle connections in %.1f s: %.2f KiB each, latency %.2f ms (%.2f ms without), %.2f s of CPU in "
                  "0.5 s" % (count, seconds, grown / 1024 / count, busy, quiet, used))
            self.assertLess(grown / count, 12 * 1024)
            self.assertLess(busy, 5 * quiet + 5)
            self.assertLess(used, 0.25)
        finally:
            for sock in sockets:
                sock.close()
        eventually(lambda: client.server_info().connections == 1, timeout=60)
        self.assertEqual(leatd.stop(), daemon.EXIT_OK)

    def test_too_many_topics_and_partitions(self):
        leatd = self.daemon(topics_max=3, partitions_max=10, partitions_per_topic_max=6)
        client = self.client(leatd)
        self.assert_error("INVALID_PARTITION_COUNT", client.create_topic, "a", 7)
        client.create_topic("a", 6)
        self.assert_error("LIMIT_EXCEEDED", client.create_topic, "b", 5)
        client.create_topic("b", 2)
        client.create_topic("c", 1)
        self.assert_error("LIMIT_EXCEEDED", client.create_topic, "d", 1)
        self.assert_error("LIMIT_EXCEEDED", client.produce, [("d", 0, TINY.batch(1, 2, 3))])
        self.assert_error("INVALID_PARTITION_COUNT", client.alter_topic, "a", partitions=5)
        self.assert_error("INVALID_PARTITION_COUNT", client.alter_topic, "a", partitions=7)
        self.assert_error("LIMIT_EXCEEDED", client.alter_topic, "b", partitions=5)
        client.alter_topic("b", partitions=3)
        self.assertEqual({t.name: t.partition_count for t in client.metadata()}, {"a": 6, "b": 3, "c": 1})


if __name__ == "__main__":
    daemon.main()
