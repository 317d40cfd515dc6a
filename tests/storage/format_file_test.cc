#include "storage/meta/format_file.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocol/record/crc32c.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/status_matchers.h"

namespace leat {
namespace {

FormatInfo Sample() { return {MakeUuid(1, 2), MakeUuid(3, 4), 1'700'000'000'000}; }

std::string Sealed(const std::string& text) {
  return absl::StrCat(text, absl::StrFormat("crc32c %08x\n", Crc32c(text)));
}

TEST(FormatTest, RoundTrip) {
  ASSERT_OK_AND_ASSIGN(const FormatInfo info, DecodeFormat(EncodeFormat(Sample())));
  EXPECT_EQ(info.data_id, Sample().data_id);
  EXPECT_EQ(info.journal_id, Sample().journal_id);
  EXPECT_EQ(info.created_ms, Sample().created_ms);
}

TEST(FormatTest, EveryFlippedBitAndEveryPrefixIsRefused) {
  const std::string text = EncodeFormat(Sample());
  for (size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string flipped = text;
    flipped[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    EXPECT_THAT(DecodeFormat(flipped), StatusIs(ErrorCode::kUnsupportedFormat));
  }
  for (size_t length = 0; length < text.size(); ++length) {
    EXPECT_THAT(DecodeFormat(text.substr(0, length)), StatusIs(ErrorCode::kUnsupportedFormat));
  }
}

TEST(FormatTest, NewerVersionIsCalledNewer) {
  const absl::StatusOr<FormatInfo> newer = DecodeFormat("leat data directory\nversion 2\nwhat comes then\n");
  EXPECT_THAT(newer, StatusIs(ErrorCode::kUnsupportedFormat));
  EXPECT_THAT(std::string(newer.status().message()), testing::HasSubstr("format version 2"));
}

TEST(FormatTest, FieldsUnderAGoodChecksumAreChecked) {
  const std::string start = "leat data directory\nversion 1\n";
  const std::string id = Sample().data_id;
  EXPECT_THAT(
      DecodeFormat(Sealed(absl::StrCat(start, "data_id ", id, "\njournal_id ", id, "\ncreated_ms 1\n"))),
      IsOk());
  EXPECT_THAT(DecodeFormat(Sealed(start)), StatusIs(ErrorCode::kUnsupportedFormat));
  EXPECT_THAT(DecodeFormat(Sealed(absl::StrCat(start, "data_id x\njournal_id ", id, "\ncreated_ms 1\n"))),
              StatusIs(ErrorCode::kUnsupportedFormat));
  EXPECT_THAT(DecodeFormat(Sealed(absl::StrCat(start, "data_id ", id, "\njournal_id ", id, "\n"))),
              StatusIs(ErrorCode::kUnsupportedFormat));
}

TEST(UuidTest, HasTheFormOfARandomOne) {
  EXPECT_EQ(MakeUuid(0, 0), "00000000-0000-4000-8000-000000000000");
  EXPECT_EQ(MakeUuid(~uint64_t{0}, ~uint64_t{0}), "ffffffff-ffff-4fff-bfff-ffffffffffff");
  EXPECT_TRUE(IsUuid(MakeUuid(5, 6)));
  EXPECT_FALSE(IsUuid("00000000-0000-4000-8000-00000000000"));
  EXPECT_FALSE(IsUuid("00000000-0000-4000-8000-00000000000G"));
}

class InspectTest : public testing::Test {
 protected:
  void Put(const std::string& path, const std::string& bytes) {
    ASSERT_OK_AND_ASSIGN(const auto file, fs_.Open(path, OpenMode::kCreateNew));
    ASSERT_THAT(file->WriteAt(0, {bytes}), IsOk());
  }

  MemoryFileSystem fs_;
};

TEST_F(InspectTest, TellsTheStatesApart) {
  EXPECT_THAT(InspectDirectory(fs_, "/data"), IsOkAndHolds(DirectoryState::kMissing));
  ASSERT_THAT(fs_.CreateDir("/data"), IsOk());
  EXPECT_THAT(InspectDirectory(fs_, "/data"), IsOkAndHolds(DirectoryState::kFresh));
  ASSERT_THAT(fs_.CreateDir("/data/lost+found"), IsOk());
  EXPECT_THAT(InspectDirectory(fs_, "/data"), IsOkAndHolds(DirectoryState::kFresh));
  Put("/data/LOCK", "");
  for (const char* dir : {"/data/meta", "/data/topics", "/data/deleted", "/data/meta/__metadata-0"}) {
    EXPECT_THAT(InspectDirectory(fs_, "/data"), IsOkAndHolds(DirectoryState::kUnfinished));
    ASSERT_THAT(fs_.CreateDir(dir), IsOk());
  }
  Put("/data/meta/__metadata-0/00000000000000000000.log", "");
  Put("/data/meta/checkpoint", "some");
  EXPECT_THAT(InspectDirectory(fs_, "/data"), IsOkAndHolds(DirectoryState::kUnfinished));
  Put("/data/format", "");
  EXPECT_THAT(InspectDirectory(fs_, "/data"), IsOkAndHolds(DirectoryState::kFormatted));
}

TEST_F(InspectTest, RefusesWhatIsNotOurs) {
  ASSERT_THAT(fs_.CreateDir("/data"), IsOk());
  Put("/data/thesis.tex", "years of work");
  const absl::StatusOr<DirectoryState> state = InspectDirectory(fs_, "/data");
  EXPECT_THAT(state, StatusIs(ErrorCode::kUnsupportedFormat));
  EXPECT_THAT(std::string(state.status().message()), testing::HasSubstr("thesis.tex"));
}

TEST_F(InspectTest, RefusesDataWithoutFormat) {
  ASSERT_THAT(fs_.CreateDir("/data"), IsOk());
  ASSERT_THAT(fs_.CreateDir("/data/topics"), IsOk());
  ASSERT_THAT(fs_.CreateDir("/data/topics/orders-0"), IsOk());
  EXPECT_THAT(InspectDirectory(fs_, "/data"), StatusIs(ErrorCode::kUnsupportedFormat));
}

TEST_F(InspectTest, RefusesAMetadataLogWithRecordsWithoutFormat) {
  for (const char* dir : {"/data", "/data/meta", "/data/meta/__metadata-0"}) {
    ASSERT_THAT(fs_.CreateDir(dir), IsOk());
  }
  Put("/data/meta/__metadata-0/00000000000000000000.log", "x");
  EXPECT_THAT(InspectDirectory(fs_, "/data"), StatusIs(ErrorCode::kUnsupportedFormat));
}

TEST_F(InspectTest, HugeFormatIsNotRead) {
  ASSERT_THAT(fs_.CreateDir("/data"), IsOk());
  Put("/data/format", std::string(1 << 20, 'x'));
  EXPECT_THAT(ReadFormat(fs_, "/data"), StatusIs(ErrorCode::kUnsupportedFormat));
}

}  // namespace
}  // namespace leat
