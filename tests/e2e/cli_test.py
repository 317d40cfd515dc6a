"""The command line from outside: every command, option, exit code, pipe and bad input, against a real daemon."""

import unittest

from cli_log_tests import LogTest
from cli_record_tests import ConsumeTest, ProduceTest
from cli_replay_tests import EndingTest, GapTest, ReplayTest
from cli_topic_tests import CompletionTest, ServerTest, SharedTest, TopicTest

__all__ = ["CompletionTest", "ConsumeTest", "EndingTest", "GapTest", "LogTest", "ProduceTest", "ReplayTest", "ServerTest",
           "SharedTest", "TopicTest"]

if __name__ == "__main__":
    unittest.main(verbosity=2)
