#include "tools/cli/line_reader.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <thread>
#include <vector>

namespace leat {
namespace {

// Writes `bytes` into a pipe from a thread of its own and reads the other end.
class LineReaderTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(pipe(ends_), 0); }
  void TearDown() override {
    if (writer_.joinable()) writer_.join();
    close(ends_[0]);
  }

  void Feed(std::string bytes) {
    writer_ = std::thread([this, bytes = std::move(bytes)] {
      absl::string_view rest = bytes;
      while (!rest.empty()) {
        const ssize_t put = write(ends_[1], rest.data(), std::min<size_t>(rest.size(), 777));
        if (put <= 0) break;
        rest.remove_prefix(static_cast<size_t>(put));
      }
      close(ends_[1]);
    });
  }

  absl::Status ReadAll(LineReader& reader, std::vector<std::string>* lines) {
    absl::string_view line;
    bool more = true;
    while (true) {
      absl::Status status = reader.Next(&line, &more);
      if (!status.ok() || !more) return status;
      lines->emplace_back(line.data(), line.size());
    }
  }

  int ends_[2] = {-1, -1};
  std::thread writer_;
};

TEST_F(LineReaderTest, BinaryLinesAndALastOneWithoutEnd) {
  Feed(std::string("a\n\n\0b\r\nlast", 11));
  LineReader reader(ends_[0], "stdin", 1000, -1);
  std::vector<std::string> lines;
  ASSERT_TRUE(ReadAll(reader, &lines).ok());
  EXPECT_EQ(lines, (std::vector<std::string>{"a", "", std::string("\0b\r", 3), "last"}));
  EXPECT_EQ(reader.lines(), 4U);
}

TEST_F(LineReaderTest, NoInputIsNoLine) {
  Feed("");
  LineReader reader(ends_[0], "stdin", 1000, -1);
  std::vector<std::string> lines;
  ASSERT_TRUE(ReadAll(reader, &lines).ok());
  EXPECT_TRUE(lines.empty());
}

TEST_F(LineReaderTest, LongLinesComeWholeUpToTheLimit) {
  const std::string line(2'000'000, 'x');
  Feed(line + "\n" + line + "\nshort\n");
  LineReader reader(ends_[0], "stdin", line.size(), -1);
  std::vector<std::string> lines;
  ASSERT_TRUE(ReadAll(reader, &lines).ok());
  EXPECT_EQ(lines, (std::vector<std::string>{line, line, "short"}));
}

TEST_F(LineReaderTest, ALineAboveTheLimitIsAnErrorWithItsNumber) {
  Feed("ok\n" + std::string(100'001, 'x') + "\n");
  LineReader reader(ends_[0], "input.txt", 100'000, -1);
  std::vector<std::string> lines;
  const absl::Status status = ReadAll(reader, &lines);
  EXPECT_EQ(lines, (std::vector<std::string>{"ok"}));
  EXPECT_NE(std::string(status.message()).find("input.txt:2"), std::string::npos) << status;
}

TEST_F(LineReaderTest, AnInterruptEndsTheInput) {
  const int event = eventfd(1, 0);
  LineReader reader(ends_[0], "stdin", 1000, event);
  absl::string_view line;
  bool more = true;
  EXPECT_TRUE(reader.WouldRead());
  ASSERT_TRUE(reader.Next(&line, &more).ok());
  EXPECT_FALSE(more);
  close(event);
  close(ends_[1]);
}

TEST(LineReader, ABadDescriptorIsAnError) {
  const int directory = eventfd(0, 0);
  close(directory);
  LineReader reader(directory, "gone", 1000, -1);
  absl::string_view line;
  bool more = true;
  EXPECT_FALSE(reader.Next(&line, &more).ok());
}

}  // namespace
}  // namespace leat
