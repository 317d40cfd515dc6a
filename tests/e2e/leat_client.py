"""A second client for Leat, written from protocol/PROTOCOL.md and protocol/RECORD_BATCH.md alone.

It shares no code with the C++ client: sockets, frames, record batches, varints and CRC-32C are made here, with
the Python standard library and python3-protobuf. It is a proof that the pages are complete, and a test of the
broker from outside. Blocking, one thread per client.
"""

import atexit
import gzip
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import zlib
from dataclasses import dataclass, field
from typing import List, Optional, Tuple


def _load_messages():
    """The protobuf module of leat.proto, made by protoc (environment PROTOC) into a directory that goes at exit."""
    here = os.path.dirname(os.path.abspath(__file__))
    proto_dir = os.path.join(here, "..", "..", "protocol", "wire")
    out_dir = tempfile.mkdtemp(prefix="leat-proto-")
    atexit.register(shutil.rmtree, out_dir, ignore_errors=True)
    protoc = os.environ.get("PROTOC", "protoc")
    subprocess.run([protoc, "--proto_path=" + proto_dir, "--python_out=" + out_dir, "leat.proto"], check=True)
    sys.path.insert(0, out_dir)
    import leat_pb2
    return leat_pb2


pb = _load_messages()

# ---------------------------------------------------------------------------------------------- frames

MAGIC = b"LEAT"
PREFIX = struct.Struct(">4sII")
VERSION = 1

# number: (name, retriable), from the table in PROTOCOL.md
ERRORS = {
    0: ("NONE", False),
    1: ("UNKNOWN", False),
    2: ("INVALID_REQUEST", False),
    3: ("UNSUPPORTED_VERSION", False),
    4: ("FRAME_TOO_LARGE", False),
    5: ("NOT_READY", False),
    6: ("SHUTTING_DOWN", True),
    7: ("TIMED_OUT", True),
    8: ("LIMIT_EXCEEDED", False),
    20: ("UNKNOWN_TOPIC", False),
    21: ("UNKNOWN_PARTITION", False),
    22: ("TOPIC_EXISTS", False),
    23: ("INVALID_TOPIC_NAME", False),
    24: ("INVALID_PARTITION_COUNT", False),
    25: ("INVALID_CONFIG", False),
    40: ("CORRUPT_BATCH", False),
    41: ("INVALID_BATCH", False),
    42: ("BATCH_TOO_LARGE", False),
    43: ("INVALID_TIMESTAMP", False),
    44: ("UNSUPPORTED_CODEC", False),
    45: ("OFFSET_OUT_OF_RANGE", False),
    60: ("DISK_FULL", True),
    61: ("STORAGE_ERROR", False),
    62: ("DATA_LOSS", False),
    63: ("PARTITION_FENCED", False),
    64: ("OUTCOME_UNKNOWN", False),
    80: ("UNSUPPORTED_FORMAT", False),
    81: ("DIRECTORY_LOCKED", False),
    90: ("UNAVAILABLE", True),
}


class LeatError(Exception):
    """An error that the broker answered with."""

    def __init__(self, error):
        self.code = error.code
        self.name, self.retriable = ERRORS.get(error.code, ("UNKNOWN", False))
        self.message = error.message
        super().__init__("%s (%d): %s" % (self.name, self.code, self.message))


class ConnectionEnded(Exception):
    """The broker closed the connection."""


def encode_frame(header, payload=b""):
    """A whole frame from a protobuf message (or its bytes) and a payload."""
    head = header if isinstance(header, bytes) else header.SerializeToString()
    return PREFIX.pack(MAGIC, len(head) + len(payload), len(head)) + head + payload


# ---------------------------------------------------------------------------------------------- batches

def _crc_table():
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return table


_CRC_TABLE = _crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def encode_varint(number):
    """Zigzag LEB128 of a signed number of up to 64 bits."""
    rest = (number << 1) ^ (number >> 63)
    rest &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def decode_varint(data, at):
    """(number, position behind it)"""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return (value >> 1) ^ -(value & 1), at
    raise ValueError("varint of more than ten bytes")


@dataclass
class Record:
    value: Optional[bytes]
    key: Optional[bytes] = None
    headers: List[Tuple[str, Optional[bytes]]] = field(default_factory=list)
    timestamp_ms: int = 1700000000000
    offset: int = -1  # set in fetched records

    def same_content(self, other):
        return (self.key, self.value, self.headers, self.timestamp_ms) == (
            other.key, other.value, other.headers, other.timestamp_ms)


CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
# base offset, length, leader epoch, magic, crc / attributes ... record count
_BATCH_FRONT = struct.Struct(">qiibI")
_BATCH_REST = struct.Struct(">hiqqqhii")
BATCH_HEADER_BYTES = 61


def _encode_bytes(data):
    return encode_varint(-1) if data is None else encode_varint(len(data)) + data


def _encode_record(record, base_timestamp, index):
    body = b"\0" + encode_varint(record.timestamp_ms - base_timestamp) + encode_varint(index)
    body += _encode_bytes(record.key) + _encode_bytes(record.value) + encode_varint(len(record.headers))
    for name, value in record.headers:
        body += _encode_bytes(name.encode()) + _encode_bytes(value)
    return encode_varint(len(body)) + body


def build_batch(records, codec="none"):
    """The bytes of one batch as a producer sends it."""
    base = records[0].timestamp_ms
    body = b"".join(_encode_record(record, base, index) for index, record in enumerate(records))
    if codec == "gzip":
        body = gzip.compress(body)
    elif codec != "none":
        raise ValueError("this client writes the codecs none and gzip")
    rest = _BATCH_REST.pack(CODECS[codec], len(records) - 1, base, max(r.timestamp_ms for r in records), -1, -1, -1,
                            len(records)) + body
    return seal_batch(rest)


def seal_batch(rest):
    """Puts offset, length, epoch, magic and CRC in front of what the CRC covers."""
    return _BATCH_FRONT.pack(0, len(rest) + 9, -1, 2, crc32c(rest)) + rest


def _decode_bytes(data, at):
    size, at = decode_varint(data, at)
    if size < 0:
        return None, at
    return bytes(data[at:at + size]), at + size


def _decode_record(data, at, base_offset, base_timestamp):
    size, at = decode_varint(data, at)
    end = at + size
    at += 1  # attributes
    timestamp_delta, at = decode_varint(data, at)
    offset_delta, at = decode_varint(data, at)
    key, at = _decode_bytes(data, at)
    value, at = _decode_bytes(data, at)
    count, at = decode_varint(data, at)
    headers = []
    for _ in range(count):
        name, at = _decode_bytes(data, at)
        content, at = _decode_bytes(data, at)
        headers.append((name.decode(), content))
    if at != end:
        raise ValueError("a record of another length than it says")
    return Record(value, key, headers, base_timestamp + timestamp_delta, base_offset + offset_delta), at


def decode_batches(data):
    """All records of the batches that stand back to back in `data`."""
    records = []
    at = 0
    while at < len(data):
        base_offset, length, _, magic, crc = _BATCH_FRONT.unpack_from(data, at)
        batch = data[at:at + 12 + length]
        if magic != 2 or len(batch) != 12 + length:
            raise ValueError("no whole batch of magic 2")
        if crc32c(batch[21:]) != crc:
            raise ValueError("a batch with a wrong CRC at offset %d" % base_offset)
        attributes, _, base_timestamp, max_timestamp, _, _, _, count = _BATCH_REST.unpack_from(batch, 21)
        body = batch[BATCH_HEADER_BYTES:]
        if attributes & 7 == CODECS["gzip"]:
            body = zlib.decompress(body, wbits=31)
        elif attributes & 7 != 0:
            raise ValueError("this client reads the codecs none and gzip")
        position = 0
        for _ in range(count):
            record, position = _decode_record(body, position, base_offset, base_timestamp)
            if attributes & 8:  # the time of the append stands for each record
                record.timestamp_ms = max_timestamp
            if not attributes & 0x20:  # markers are not data
                records.append(record)
        if position != len(body):
            raise ValueError("bytes after the last record")
        at += len(batch)
    return records


# ---------------------------------------------------------------------------------------------- client

class Client:
    """One connection. Requests may be pipelined: send() gives the correlation id, wait() takes its reply,
    whatever comes in between."""

    def __init__(self, address, timeout=30, hello=True):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host.strip("[]"), int(port)), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._replies = {}
        self._next_id = 1
        self.arrival_order = []  # correlation ids in the order their replies came
        self.limits = None
        self.data_id = None
        if hello:
            reply = self.hello()
            self.limits = reply.limits
            self.data_id = reply.data_id

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    # -- frames

    def send(self, payload=b"", **request):
        """Sends one request, e.g. send(metadata=pb.MetadataRequest()); returns its correlation id."""
        header = pb.RequestHeader(correlation_id=self._next_id, **request)
        self._next_id += 1
        self.socket.sendall(encode_frame(header, payload))
        return header.correlation_id

    def _read(self, size):
        data = bytearray()
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                raise ConnectionEnded("after %d of %d bytes" % (len(data), size))
            data += piece
        return bytes(data)

    def read_frame(self):
        """(ResponseHeader, payload) of the next frame that comes."""
        magic, rest_bytes, header_bytes = PREFIX.unpack(self._read(PREFIX.size))
        if magic != MAGIC or header_bytes > rest_bytes:
            raise ValueError("the broker sent something that is no frame")
        header = pb.ResponseHeader.FromString(self._read(header_bytes))
        return header, self._read(rest_bytes - header_bytes)

    def wait(self, correlation_id):
        """(response message, payload) of that request; LeatError when it failed as a whole."""
        while correlation_id not in self._replies:
            header, payload = self.read_frame()
            self.arrival_order.append(header.correlation_id)
            self._replies[header.correlation_id] = (header, payload)
        header, payload = self._replies.pop(correlation_id)
        if header.error.code:
            raise LeatError(header.error)
        return getattr(header, header.WhichOneof("response")), payload

    def call(self, **request):
        return self.wait(self.send(**request))[0]

    # -- requests

    def hello(self, version_min=VERSION, version_max=VERSION):
        return self.call(hello=pb.HelloRequest(version_min=version_min, version_max=version_max,
                                               client_name="leat-python-test", client_version="1"))

    def metadata(self, topics=(), create_missing=False, include_internal=False, page=1000):
        """Of the topics named, or of all, in pages of `page`."""
        request = pb.MetadataRequest(topics=topics, create_missing=create_missing,
                                     include_internal=include_internal, max_topics=page)
        found = []
        while True:
            reply = self.call(metadata=request)
            found += reply.topics
            if not reply.more:
                return found
            request.after_topic = reply.topics[-1].name

    def create_topic(self, name, partitions=0, config=None, **options):
        return self.call(create_topic=pb.CreateTopicRequest(
            name=name, partition_count=partitions, config=_entries(config), **options))

    def delete_topic(self, name):
        return self.call(delete_topic=pb.DeleteTopicRequest(name=name))

    def describe_topic(self, name, page=1000):
        """With all partitions, asked for in pages of `page`."""
        whole = self.call(describe_topic=pb.DescribeTopicRequest(name=name, max_partitions=page))
        while len(whole.partitions) < whole.topic.partition_count:
            whole.partitions.extend(self.call(describe_topic=pb.DescribeTopicRequest(
                name=name, max_partitions=page, first_partition=len(whole.partitions))).partitions)
        return whole

    def alter_topic(self, name, config=None, reset=(), partitions=0, **options):
        request = pb.AlterTopicRequest(name=name, reset=reset, partition_count=partitions, **options)
        request.set.extend(_entries(config))
        return self.call(alter_topic=request)

    def send_produce(self, batches, ack=pb.ACK_DURABLE, timeout_ms=0):
        """`batches`: a list of (topic, partition, bytes of one batch)."""
        request = pb.ProduceRequest(ack=ack, timeout_ms=timeout_ms)
        for topic, partition, batch in batches:
            request.partitions.add(topic=topic, partition=partition, batch_bytes=len(batch))
        return self.send(payload=b"".join(batch for _, _, batch in batches), produce=request)

    def produce(self, batches, **options):
        return self.wait(self.send_produce(batches, **options))[0].results

    def produce_records(self, topic, partition, records, codec="none", **options):
        """Offset of the first record, or LeatError."""
        result = self.produce([(topic, partition, build_batch(records, codec))], **options)[0]
        if result.error.code:
            raise LeatError(result.error)
        return result.base_offset

    def send_fetch(self, positions, max_wait_ms=0, min_bytes=0, max_bytes=0, partition_max_bytes=0):
        """`positions`: a list of (topic, partition, offset)."""
        request = pb.FetchRequest(max_wait_ms=max_wait_ms, min_bytes=min_bytes, max_bytes=max_bytes)
        for topic, partition, offset in positions:
            request.partitions.add(topic=topic, partition=partition, offset=offset, max_bytes=partition_max_bytes)
        return self.send(fetch=request)

    def wait_fetch(self, correlation_id):
        """A list of (FetchResult, bytes of its batches)."""
        reply, payload = self.wait(correlation_id)
        out = []
        at = 0
        for result in reply.results:
            out.append((result, payload[at:at + result.batches_bytes]))
            at += result.batches_bytes
        if at != len(payload):
            raise ValueError("the payload is not the sum of its batches")
        return out

    def fetch(self, positions, **options):
        return self.wait_fetch(self.send_fetch(positions, **options))

    def read_records(self, topic, partition, offset=0):
        """All visible records from `offset` on."""
        records = []
        while True:
            result, data = self.fetch([(topic, partition, offset)])[0]
            if result.error.code:
                raise LeatError(result.error)
            batch_records = [r for r in decode_batches(data) if r.offset >= offset]
            if not batch_records:
                return records
            records += batch_records
            offset = records[-1].offset + 1

    def list_offset(self, topic, partition, position, timestamp_ms=0):
        query = pb.OffsetQuery(topic=topic, partition=partition, position=position, timestamp_ms=timestamp_ms)
        answer = self.call(list_offsets=pb.ListOffsetsRequest(queries=[query])).answers[0]
        if answer.error.code:
            raise LeatError(answer.error)
        return answer

    def server_info(self, **options):
        return self.call(server_info=pb.ServerInfoRequest(**options))


def _entries(config):
    return [pb.ConfigEntry(name=name, value=value) for name, value in (config or {}).items()]
