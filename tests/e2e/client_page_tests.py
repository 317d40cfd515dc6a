"""The Python client against PROTOCOL.md, without a daemon."""

import os
import re
import unittest

import leat_client as leat
from client_test_base import T, contents
from leat_client import Record, build_batch, decode_batches, pb

PROTOCOL_PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "protocol", "PROTOCOL.md")


class PageTest(unittest.TestCase):
    @staticmethod
    def example(name):
        with open(PROTOCOL_PAGE) as file:
            block = re.search("```%s\n(.*?)```" % name, file.read(), re.S).group(1)
        out = b""
        for line in block.splitlines():
            # what stands behind two or more spaces is a comment; what stands before them indents
            out += bytes.fromhex(re.split(r"\s{2,}", line.strip())[0])
        return out

    def parse(self, name, kind):
        frame = self.example(name)
        magic, rest, header = leat.PREFIX.unpack_from(frame)
        self.assertEqual((magic, rest), (leat.MAGIC, len(frame) - 12))
        return kind.FromString(frame[12:12 + header])

    def test_hello_example(self):
        request = pb.RequestHeader(correlation_id=1, hello=pb.HelloRequest(
            version_min=1, version_max=1, client_name="demo", client_version="1.0"))
        self.assertEqual(leat.encode_frame(request).hex(), self.example("hello-request").hex())
        reply = self.parse("hello-reply", pb.ResponseHeader)
        self.assertEqual((reply.correlation_id, reply.hello.version, reply.hello.server_version), (1, 1, "0.1.0"))
        self.assertEqual(reply.hello.limits.frame_bytes_max, 32 * 1024 * 1024)

    def test_produce_example(self):
        batch = build_batch([Record(b"hi", timestamp_ms=T)])
        request = pb.RequestHeader(correlation_id=2, produce=pb.ProduceRequest(
            timeout_ms=1000, partitions=[pb.ProducePartition(topic="t", partition=0, batch_bytes=len(batch))]))
        self.assertEqual(leat.encode_frame(request, batch).hex(), self.example("produce-request").hex())
        result = self.parse("produce-reply", pb.ResponseHeader).produce.results[0]
        self.assertEqual((result.error.code, result.base_offset, result.end_offset), (0, 41, 42))
        result = self.parse("produce-error", pb.ResponseHeader).produce.results[0]
        self.assertEqual((result.error.code, result.error.message, result.base_offset), (21, "no", -1))

    def test_error_table(self):
        with open(PROTOCOL_PAGE) as file:
            rows = re.findall(r"^\| (\d+) \| ([A-Z_]+) \| (yes|no) \|", file.read(), re.M)
        self.assertEqual({int(code): (name, retriable == "yes") for code, name, retriable in rows}, leat.ERRORS)

    def test_crc(self):
        self.assertEqual(leat.crc32c(b"123456789"), 0xE3069283)

    def test_golden_batch(self):
        golden = bytes.fromhex(
            "000000000000000000000048ffffffff029719140f0000000000010000018bcfe568000000018bcfe56805ffffffffffffffffffff"
            "ffffffff000000020e000000010261001c000a02026b010402680278026e01")
        records = [Record(b"a", timestamp_ms=T), Record(None, b"k", [("h", b"x"), ("n", None)], T + 5)]
        self.assertEqual(build_batch(records), golden)
        self.assertEqual(contents(decode_batches(golden)), contents(records))
