// Many threads on a real disk; also runs under ThreadSanitizer.

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "storage/log_store.h"
#include "tests/storage/store_harness.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace leat {
namespace {

class StoreConcurrentTest : public testing::Test {
 protected:
  std::unique_ptr<LogStore> Open() {
    StoreOptions options;
    options.data_dir = absl::StrCat(dir_.path(), "/data");
    options.checkpoint_interval = absl::Milliseconds(5);
    options.open_files_max = 8;
    options.topic_defaults.segment_bytes = segment_bytes_;
    absl::StatusOr<std::unique_ptr<LogStore>> store =
        LogStore::Open(options, PosixFileSystem(), *runtime_, listener_);
    EXPECT_THAT(store, IsOk());
    return store.ok() ? *std::move(store) : nullptr;
  }

  int64_t segment_bytes_ = 16 * 1024;
  TempDir dir_;
  std::unique_ptr<Runtime> runtime_ = NewThreadRuntime();
  RecordingListener listener_;
};

TEST_F(StoreConcurrentTest, AppendersReadersAndTopicOperationsGetAlong) {
  constexpr int kAppenders = 4;
  constexpr uint32_t kPartitions = 12;
  constexpr int kBatches = 150;
  std::unique_ptr<LogStore> store = Open();
  ASSERT_NE(store, nullptr);
  ASSERT_THAT(store->CreateTopic({"wide", kPartitions, {}}), IsOk());
  ASSERT_THAT(store->CreateTopic({"written", 2, {{"durability", "written"}, {"flush_ms", "2ms"}}}), IsOk());
  std::atomic<bool> appending{true};
  std::vector<std::thread> threads;
  for (int a = 0; a < kAppenders; ++a) {
    threads.emplace_back([&, a] {
      for (int i = 0; i < kBatches; ++i) {
        const auto partition = static_cast<uint32_t>((a * 7 + i) % kPartitions);
        EXPECT_THAT(AppendValues(*store, "wide", partition, {std::string(400, 'w')}), IsOk());
        EXPECT_THAT(AppendValues(*store, "written", partition % 2, {"x"}, CommitUrgency::kLater), IsOk());
      }
    });
  }
  std::thread reader([&] {
    while (appending) {
      for (uint32_t p = 0; p < kPartitions; ++p) EXPECT_THAT(ReadAllValues(*store, "wide", p), IsOk());
    }
  });
  std::thread admin([&] {
    for (int i = 0; appending; ++i) {
      EXPECT_THAT(store->CreateTopic({"brief", 2, {}}), IsOk());
      EXPECT_THAT(AppendValues(*store, "brief", 1, {absl::StrCat(i)}), IsOk());
      EXPECT_THAT(store->AlterTopic("written", {{{"flush_ms", absl::StrCat(1 + i % 5, "ms")}}, {}, 0}),
                  IsOk());
      EXPECT_THAT(store->DeleteTopic("brief"), IsOk());
      store->stats();
    }
  });
  for (std::thread& thread : threads) thread.join();
  appending = false;
  reader.join();
  admin.join();
  ASSERT_THAT(store->Close(), IsOk());
  EXPECT_TRUE(listener_.failures().empty());
  size_t total = 0;
  for (uint32_t p = 0; p < kPartitions; ++p) {
    const PartitionLog& log = *store->FindTopic("wide")->partitions[p];
    EXPECT_EQ(log.marks().durable, log.marks().end);
    EXPECT_EQ(listener_.Durable(log.id()), log.marks().end);
    total += static_cast<size_t>(log.marks().end);
  }
  EXPECT_EQ(total, size_t{kAppenders} * kBatches);
  store.reset();
  store = Open();
  ASSERT_NE(store, nullptr);
  EXPECT_TRUE(store->recovery().clean);
  EXPECT_EQ(store->Topics().size(), 2u);
  size_t read = 0;
  for (uint32_t p = 0; p < kPartitions; ++p) {
    ASSERT_OK_AND_ASSIGN(const std::vector<std::string> values, ReadAllValues(*store, "wide", p));
    read += values.size();
  }
  EXPECT_EQ(read, total);
}

TEST_F(StoreConcurrentTest, ClosesWhileAppendersRun) {
  // Nothing slows these appenders down, and segments with unsynced bytes stay open.
  segment_bytes_ = 4 * 1024 * 1024;
  std::unique_ptr<LogStore> store = Open();
  ASSERT_NE(store, nullptr);
  ASSERT_THAT(store->CreateTopic({"wide", 4, {}}), IsOk());
  std::atomic<int> accepted{0};
  std::vector<std::thread> threads;
  for (uint32_t p = 0; p < 4; ++p) {
    threads.emplace_back([&, p] {
      while (AppendValues(*store, "wide", p, {"x"}).ok()) ++accepted;
    });
  }
  while (accepted < 200) std::this_thread::yield();
  ASSERT_THAT(store->Close(), IsOk());
  for (std::thread& thread : threads) thread.join();
  store.reset();
  store = Open();
  ASSERT_NE(store, nullptr);
  EXPECT_TRUE(store->recovery().clean);
  int read = 0;
  for (uint32_t p = 0; p < 4; ++p) {
    read += static_cast<int>(store->FindTopic("wide")->partitions[p]->marks().durable);
  }
  EXPECT_EQ(read, accepted);
}

TEST_F(StoreConcurrentTest, DestroyedInTheMiddleItLeavesWhatACrashLeaves) {
  std::unique_ptr<LogStore> store = Open();
  ASSERT_NE(store, nullptr);
  ASSERT_THAT(store->CreateTopic({"wide", 30, {}}), IsOk());
  for (int i = 0; i < 10; ++i) {
    for (uint32_t p = 0; p < 30; ++p) ASSERT_THAT(AppendValues(*store, "wide", p, {"x"}), IsOk());
  }
  store.reset();
  store = Open();
  ASSERT_NE(store, nullptr);
  EXPECT_FALSE(store->recovery().clean);
  for (uint32_t p = 0; p < 30; ++p) {
    const PartitionLog& log = *store->FindTopic("wide")->partitions[p];
    EXPECT_EQ(log.marks().end, 10);
    EXPECT_GE(log.marks().durable, listener_.Durable(log.id()));
  }
}

}  // namespace
}  // namespace leat
