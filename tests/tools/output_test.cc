#include "tools/cli/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

namespace leat {
namespace {

TEST(Output, GathersUntilFlushed) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  Output out(ends[1]);
  out.Write("hello ");
  out.Write("world");
  out.Flush();
  char bytes[32];
  EXPECT_EQ(read(ends[0], bytes, sizeof bytes), 11);
  close(ends[0]);
  close(ends[1]);
}

TEST(Output, AClosedPipeIsNoError) {
  std::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  Output out(ends[1]);
  EXPECT_FALSE(out.ReaderGone());
  close(ends[0]);
  EXPECT_TRUE(out.ReaderGone());
  out.Write("x");
  out.Flush();
  EXPECT_TRUE(out.closed());
  EXPECT_TRUE(out.status().ok());
  out.Write("dropped");
  out.Flush();
  close(ends[1]);
}

TEST(Output, AFullDiskIs) {
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0) << "/dev/full is part of every Linux";
  Output out(full);
  out.Write("x");
  out.Flush();
  EXPECT_FALSE(out.closed());
  EXPECT_NE(std::string(out.status().message()).find("No space left"), std::string::npos) << out.status();
  close(full);
}

}  // namespace
}  // namespace leat
