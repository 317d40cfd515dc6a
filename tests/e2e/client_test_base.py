"""What the tests of the Python client share."""

import os
import re
import socket
import unittest

import leat_client as leat
from leat_client import Client, LeatError, Record
from leatd_process import Leatd

T = 1700000000000


def records_of(count, start=0, size=20):
    return [Record(b"value %d " % i + b"x" * size, b"key %d" % i, [("n", b"%d" % i)], T + i)
            for i in range(start, start + count)]


def contents(records):
    return [(r.key, r.value, r.headers, r.timestamp_ms) for r in records]


class BrokerTest(unittest.TestCase):
    """One daemon for all tests of a class, one connection for each test."""

    @classmethod
    def setUpClass(cls):
        cls.leatd = Leatd(os.environ["LEATD"])
        cls.addClassCleanup(cls.leatd.close)
        cls.leatd.start()

    def setUp(self):
        self.client = Client(self.leatd.address)
        self.addCleanup(self.client.close)
        self.topic = re.sub("[^A-Za-z0-9]+", "-", self.id().split(".")[-1])

    def connect(self, **options):
        client = Client(self.leatd.address, **options)
        self.addCleanup(client.close)
        return client

    def raw(self, data=b""):
        sock = socket.create_connection(self.leatd.address.rsplit(":", 1), timeout=30)
        self.addCleanup(sock.close)
        sock.sendall(data)
        return sock

    def assert_fails(self, name, call, *args, **options):
        with self.assertRaises(LeatError) as caught:
            call(*args, **options)
        self.assertEqual(caught.exception.name, name, caught.exception.message)
        self.assertNotEqual(caught.exception.message, "")

    def assert_closed(self, client):
        """Nothing but the end comes; a reset is an end too."""
        try:
            with self.assertRaises(leat.ConnectionEnded):
                client.read_frame()
        except ConnectionError:
            pass

    def assert_alive(self):
        self.assertEqual(self.client.server_info().protocol_version_max, leat.VERSION)
