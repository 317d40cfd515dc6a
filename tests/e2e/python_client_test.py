"""leatd as a stranger sees it who has read PROTOCOL.md: the Python client against a real daemon.

usage: python_client_test.py [--leatd PATH] [unittest options]; the path may also come from the environment, LEATD.
"""

import os
import sys
import unittest

from client_connection_tests import ConnectionTest
from client_crash_tests import CrashTest
from client_page_tests import PageTest
from client_record_tests import FetchTest, ProduceTest
from client_topic_tests import ServerTest, TopicTest

__all__ = ["ConnectionTest", "CrashTest", "FetchTest", "PageTest", "ProduceTest", "ServerTest", "TopicTest"]

if __name__ == "__main__":
    arguments = sys.argv[1:]
    if "--leatd" in arguments:
        at = arguments.index("--leatd")
        os.environ["LEATD"] = arguments[at + 1]
        del arguments[at:at + 2]
    if not os.environ.get("LEATD"):
        sys.exit("say where leatd is: --leatd PATH or the environment variable LEATD")
    unittest.main(argv=[sys.argv[0]] + arguments)
