"""Connections: Hello, frames, garbage."""

import os
import random
import struct

import leat_client as leat
from client_test_base import BrokerTest
from leat_client import pb


class ConnectionTest(BrokerTest):

    def test_hello(self):
        limits = self.client.limits
        self.assertNotEqual(self.client.data_id, "")
        self.assertGreaterEqual(limits.frame_bytes_max, limits.batch_bytes_max)
        for name in ("fetch_bytes_max", "partitions_per_request_max", "partitions_per_topic_max", "fetch_wait_ms_max",
                     "connection_bytes_in_flight_max"):
            self.assertGreater(getattr(limits, name), 0, name)

    def test_version_range_is_met_at_the_highest_common(self):
        client = self.connect(hello=False)
        self.assertEqual(client.hello(0, 99).version, leat.VERSION)

    def test_no_common_version(self):
        for low, high in ((2, 9), (0, 0), (9, 1)):
            client = self.connect(hello=False)
            self.assert_fails("UNSUPPORTED_VERSION", client.hello, low, high)
            self.assert_closed(client)

    def test_hello_has_to_be_first(self):
        client = self.connect(hello=False)
        self.assert_fails("NOT_READY", client.metadata)
        self.assert_closed(client)

    def test_second_hello_is_refused_and_the_connection_stays(self):
        self.assert_fails("INVALID_REQUEST", self.client.hello)
        self.assert_alive()

    def test_first_frame_is_limited(self):
        client = self.connect(hello=False)
        request = pb.RequestHeader(correlation_id=1, hello=pb.HelloRequest(version_min=1, version_max=1,
                                                                            client_name="x" * 9000))
        client.socket.sendall(leat.encode_frame(request))
        header, _ = client.read_frame()
        self.assertEqual((leat.ERRORS[header.error.code][0], header.correlation_id), ("FRAME_TOO_LARGE", 0))
        self.assert_closed(client)

    def test_pipelining_behind_hello(self):
        client = self.connect(hello=False)
        first = client.send(hello=pb.HelloRequest(version_min=1, version_max=1))
        second = client.send(metadata=pb.MetadataRequest())
        self.assertEqual(client.wait(first)[0].version, 1)
        client.wait(second)

    def test_one_byte_at_a_time(self):
        client = self.connect(hello=False)
        data = leat.encode_frame(pb.RequestHeader(correlation_id=1, hello=pb.HelloRequest(version_min=1, version_max=1)))
        data += leat.encode_frame(pb.RequestHeader(correlation_id=2, metadata=pb.MetadataRequest()))
        for at in range(len(data)):
            client.socket.sendall(data[at:at + 1])
        self.assertEqual([client.read_frame()[0].correlation_id for _ in range(2)], [1, 2])

    def test_unknown_fields_are_ignored(self):
        unknown = bytes([0xA2, 0x7D, 3]) + b"new"  # field 2004, length-delimited
        header = pb.RequestHeader(correlation_id=77, metadata=pb.MetadataRequest()).SerializeToString() + unknown
        self.client.socket.sendall(leat.encode_frame(header))
        header, _ = self.client.read_frame()
        self.assertEqual((header.correlation_id, header.error.code), (77, 0))

    def test_unknown_request_is_refused_and_the_connection_stays(self):
        header = pb.RequestHeader(correlation_id=78).SerializeToString() + bytes([0xA2, 0x7D, 0])
        self.client.socket.sendall(leat.encode_frame(header))
        header, _ = self.client.read_frame()
        self.assertEqual((header.correlation_id, leat.ERRORS[header.error.code][0]), (78, "INVALID_REQUEST"))
        self.assert_alive()

    def test_payload_where_none_belongs(self):
        self.assert_fails("INVALID_REQUEST",
                          lambda: self.client.wait(self.client.send(b"payload", metadata=pb.MetadataRequest())))
        self.assert_alive()

    def test_garbage_closes_only_its_own_connection(self):
        hello = leat.encode_frame(pb.RequestHeader(correlation_id=1,
                                                   hello=pb.HelloRequest(version_min=1, version_max=1)))
        seeded = random.Random(1)
        garbage = [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"LEAX" + bytes(8),
                   b"LEAT" + struct.pack(">II", 0xFFFFFFFF, 10), b"LEAT" + struct.pack(">II", 10, 11) + bytes(10),
                   b"LEAT" + struct.pack(">II", 3, 3) + b"\xff\xff\xff",
                   hello + b"LEAT" + struct.pack(">II", 0x7FFFFFFF, 1 << 21), hello + b"garbage"]
        garbage += [seeded.randbytes(seeded.randrange(1, 500)) for _ in range(20)]
        for data in garbage:
            sock = self.raw(data)
            try:
                while sock.recv(65536):
                    pass
            except ConnectionError:
                pass
        self.assert_alive()

    def test_cut_frames_do_no_harm(self):
        data = leat.encode_frame(pb.RequestHeader(correlation_id=1, hello=pb.HelloRequest(version_min=1, version_max=1)))
        for cut in range(1, len(data)):
            self.raw(data[:cut]).close()
        self.assert_alive()

    def test_declared_size_is_not_allocated(self):
        sockets = []
        prefix = b"LEAT" + struct.pack(">II", self.client.limits.frame_bytes_max - 12, 100)
        hello = leat.encode_frame(pb.RequestHeader(correlation_id=1,
                                                   hello=pb.HelloRequest(version_min=1, version_max=1)))
        before = self.resident_bytes()
        for _ in range(50):
            sockets.append(self.raw(hello + prefix))
        self.assert_alive()
        self.assertLess(self.resident_bytes() - before, 50 * 1024 * 1024)

    def resident_bytes(self):
        with open("/proc/%d/statm" % self.leatd.process.pid) as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
