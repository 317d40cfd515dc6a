#include <string>

#include "gtest/gtest.h"
#include "protocol/record/error.h"
#include "protocol/wire/tcp_transport.h"

namespace leat {
namespace {

std::string Parsed(absl::string_view text) {
  const absl::StatusOr<HostPort> parsed = ParseHostPort(text, kDefaultPort);
  if (!parsed.ok()) return "error " + std::to_string(static_cast<int>(CodeOf(parsed.status())));
  return parsed->host + " " + std::to_string(parsed->port);
}

TEST(HostPortTest, Forms) {
  EXPECT_EQ(Parsed("localhost"), "localhost 9640");
  EXPECT_EQ(Parsed("localhost:1"), "localhost 1");
  EXPECT_EQ(Parsed("127.0.0.1:0"), "127.0.0.1 0");
  EXPECT_EQ(Parsed("broker-1.example.org:65535"), "broker-1.example.org 65535");
  EXPECT_EQ(Parsed("[::1]"), "::1 9640");
  EXPECT_EQ(Parsed("[fe80::1%eth0]:9641"), "fe80::1%eth0 9641");
}

TEST(HostPortTest, WhatIsNoAddressIsRefusedWithARemedy) {
  for (const char* text : {"", ":", ":9640", "host:", "host:x", "host:-1", "host:+1", "host: 1", "host:65536",
                           "host:99999999999", "::1", "::1:9640", "[::1", "[]:1", "[::1]9640", "[::1]:"}) {
    EXPECT_EQ(Parsed(text), "error 2") << text;
  }
  EXPECT_NE(ParseHostPort("::1", 1).status().message().find("[::1]:9640"), absl::string_view::npos);
}

}  // namespace
}  // namespace leat
