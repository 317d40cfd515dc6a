#include "storage/meta/metadata_records.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "storage/meta/metadata_state.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace leat {
namespace {

std::vector<MetadataRecord> Samples() {
  return {TopicCreated{1, "orders", {1, 3}, {{"durability", "written"}, {"segment_bytes", "1MiB"}}},
          TopicCreated{2, "logs", {4, 1}, {}},
          TopicAltered{1, {5, 2}, {{"flush_ms", "10ms"}}},
          TopicAltered{2, {}, {}},
          TopicDeleted{2},
          LeaderEpochRaised{7},
          LogStartMoved{3, 1000}};
}

TEST(MetadataRecordsTest, RoundTrip) {
  for (const MetadataRecord& record : Samples()) {
    ASSERT_OK_AND_ASSIGN(const MetadataRecord decoded, DecodeMetadataRecord(EncodeMetadataRecord(record)));
    EXPECT_EQ(decoded, record);
  }
}

// The bytes are a promise to every later version.
TEST(MetadataRecordsTest, BytesStayWhatTheyAre) {
  const std::string bytes = EncodeMetadataRecord(TopicCreated{258, "ab", {3, 1}, {{"k", "v"}}});
  EXPECT_EQ(bytes, std::string("\x01\x01"
                               "\0\0\0\x08\0\0\0\0\0\0\x01\x02"
                               "\0\0\0\x02"
                               "ab"
                               "\0\0\0\x08\0\0\0\0\0\0\0\x03"
                               "\0\0\0\x04\0\0\0\x01"
                               "\0\0\0\x04\0\0\0\x01"
                               "\0\0\0\x01k\0\0\0\x01v",
                               2 + 12 + 4 + 2 + 12 + 8 + 8 + 10));
  EXPECT_EQ(EncodeMetadataRecord(LeaderEpochRaised{5}), std::string("\x04\x01\0\0\0\x04\0\0\0\x05", 10));
}

TEST(MetadataRecordsTest, EveryPrefixIsRefused) {
  for (const MetadataRecord& record : Samples()) {
    const std::string bytes = EncodeMetadataRecord(record);
    for (size_t length = 0; length < bytes.size(); ++length) {
      EXPECT_THAT(DecodeMetadataRecord(bytes.substr(0, length)), StatusIs(ErrorCode::kDataLoss));
    }
    EXPECT_THAT(DecodeMetadataRecord(bytes + "x"), StatusIs(ErrorCode::kDataLoss));
  }
}

TEST(MetadataRecordsTest, UnknownTypesAndVersionsComeFromANewerProgram) {
  std::string bytes = EncodeMetadataRecord(TopicDeleted{1});
  bytes[1] = 2;
  EXPECT_THAT(DecodeMetadataRecord(bytes), StatusIs(ErrorCode::kUnsupportedFormat));
  bytes[1] = 1;
  bytes[0] = 99;
  EXPECT_THAT(DecodeMetadataRecord(bytes), StatusIs(ErrorCode::kUnsupportedFormat));
}

TEST(MetadataRecordsTest, AnyBytesAreRefusedOrDecoded) {
  SeededRandom random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = EncodeMetadataRecord(random.Pick(Samples()));
    for (uint64_t flips = random.Below(4); flips > 0; --flips) {
      bytes[random.Below(bytes.size())] ^= static_cast<char>(1 << random.Below(8));
    }
    const absl::StatusOr<MetadataRecord> decoded = DecodeMetadataRecord(bytes);
    if (decoded.ok()) {
      EXPECT_EQ(EncodeMetadataRecord(*decoded), bytes);
    }
  }
}

TEST(MetadataStateTest, AddsUp) {
  MetadataState state;
  for (const MetadataRecord& record : Samples()) ASSERT_THAT(state.Apply(record), IsOk());
  ASSERT_NE(state.Find("orders"), nullptr);
  EXPECT_EQ(state.Find("orders")->partition_ids, (std::vector<uint64_t>{1, 2, 3, 5, 6}));
  EXPECT_EQ(state.Find("orders")->overrides, (SettingList{{"flush_ms", "10ms"}}));
  EXPECT_EQ(state.Find("logs"), nullptr);
  EXPECT_EQ(state.LastDeleted("logs"), std::vector<uint64_t>{4});
  EXPECT_EQ(state.next_topic_id(), 3u);
  EXPECT_EQ(state.next_partition_id(), 7u);
  EXPECT_EQ(state.partition_count(), 5u);
  EXPECT_EQ(state.leader_epoch(), 7);
  EXPECT_EQ(state.LogStart(3), 1000);
  EXPECT_EQ(state.LogStart(1), 0);
}

TEST(MetadataStateTest, IdsAreNeverUsedAgain) {
  MetadataState state;
  ASSERT_THAT(state.Apply(TopicCreated{1, "a", {1, 2}, {}}), IsOk());
  ASSERT_THAT(state.Apply(TopicDeleted{1}), IsOk());
  EXPECT_THAT(state.Apply(TopicCreated{1, "b", {3, 1}, {}}), StatusIs(ErrorCode::kDataLoss));
  EXPECT_THAT(state.Apply(TopicCreated{2, "b", {2, 1}, {}}), StatusIs(ErrorCode::kDataLoss));
  EXPECT_THAT(state.Apply(TopicCreated{2, "b", {3, 1}, {}}), IsOk());
}

TEST(MetadataStateTest, ContradictionsChangeNothing) {
  MetadataState state;
  for (const MetadataRecord& record : Samples()) ASSERT_THAT(state.Apply(record), IsOk());
  const std::vector<MetadataRecord> wrong = {TopicCreated{9, "orders", {20, 1}, {}},
                                             TopicCreated{9, "new", {20, 0}, {}},
                                             TopicCreated{9, "new", {20, 0xffffffff}, {}},
                                             TopicCreated{9, "new", {0xffffffffffffff00, 1000}, {}},
                                             TopicCreated{0xffffffffffffffff, "new", {20, 1}, {}},
                                             TopicAltered{9, {}, {}},
                                             TopicAltered{1, {1, 1}, {}},
                                             TopicDeleted{2},
                                             LeaderEpochRaised{7},
                                             LogStartMoved{3, 999}};
  for (const MetadataRecord& record : wrong) {
    EXPECT_THAT(state.Apply(record), StatusIs(ErrorCode::kDataLoss));
  }
  EXPECT_EQ(state.topics().size(), 1u);
  EXPECT_EQ(state.next_partition_id(), 7u);
}

}  // namespace
}  // namespace leat
