#include "client/consumer.h"

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "client/record_range.h"
#include "client/task.h"
#include "tests/client/client_fixture.h"

namespace leat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Kind = wire::RequestHeader;

class ConsumerTest : public ClientFixture {
 protected:
  ConsumerTest() { broker_.CreateTopic("t", 3); }

  // Appends "<first>", "<first + 1>", ... in batches of `per_batch`, with timestamps of the same number.
  void Fill(uint32_t partition, int first, int count, int per_batch = 3) {
    for (int i = first; i < first + count; i += per_batch) {
      std::vector<TestRecord> records;
      for (int j = i; j < std::min(i + per_batch, first + count); ++j) {
        TestRecord record;
        record.value = std::to_string(j);
        record.timestamp_ms = j;
        records.push_back(std::move(record));
      }
      broker_.Append("t", partition, MakeBatch(records));
    }
  }
  static std::vector<int> Range(int first, int end) {
    std::vector<int> numbers;
    for (int i = first; i < end; ++i) numbers.push_back(i);
    return numbers;
  }
  // Polls until `count` records are there; their numbers by partition.
  std::map<int, std::vector<int>> Read(Consumer& consumer, size_t count) {
    std::map<int, std::vector<int>> numbers;
    size_t got = 0;
    while (got < count) {
      const auto records = consumer.Poll(kLong);
      EXPECT_THAT(records, IsOk());
      if (!records.ok() || records->empty()) break;
      for (const ConsumedRecord& record : *records) {
        numbers[record.partition()].push_back(std::stoi(std::string(*record.value())));
      }
      got += records->size();
    }
    EXPECT_EQ(got, count);
    return numbers;
  }
  std::vector<int> ReadPartition(Consumer& consumer, size_t count) { return Read(consumer, count)[0]; }
  // A consumer of partition 0.
  std::unique_ptr<Consumer> Reader(ReadFrom from, ConsumerOptions options = {}) {
    auto consumer = MakeConsumer(std::move(options));
    EXPECT_THAT(consumer->Assign({{kP0, from}}).Get(), IsOk());
    return consumer;
  }

  const TopicPartition kP0{"t", 0};
  const TopicPartition kP1{"t", 1};
};

TEST_F(ConsumerTest, ReadsAllPartitionsOfATopicInOrder) {
  Fill(0, 0, 10);
  Fill(1, 100, 20);
  Fill(2, 200, 30);
  auto consumer = MakeConsumer();
  EXPECT_THAT(consumer->AssignTopics({"t"}, ReadFrom::Start()).Get(), IsOk());
  EXPECT_THAT(consumer->Assigned(), SizeIs(3));
  auto numbers = Read(*consumer, 60);
  EXPECT_EQ(numbers[0], Range(0, 10));
  EXPECT_EQ(numbers[1], Range(100, 120));
  EXPECT_EQ(numbers[2], Range(200, 230));
  EXPECT_THAT(consumer->TryPoll(), IsOkAndHolds(IsEmpty()));
}

TEST_F(ConsumerTest, BeginsWhereItIsTold) {
  Fill(0, 0, 10);
  EXPECT_EQ(ReadPartition(*Reader(ReadFrom::At(4)), 6), Range(4, 10));
  EXPECT_EQ(ReadPartition(*Reader(ReadFrom::Time(7)), 3), Range(7, 10));
  auto consumer = Reader(ReadFrom::End());
  Fill(0, 10, 2);
  EXPECT_EQ(ReadPartition(*consumer, 2), Range(10, 12));
  consumer = Reader(ReadFrom::Time(1'000));
  Fill(0, 12, 2);
  EXPECT_EQ(ReadPartition(*consumer, 2), Range(12, 14));
}

TEST_F(ConsumerTest, SeeksBackAndForth) {
  Fill(0, 0, 10);
  auto consumer = Reader(ReadFrom::Start());
  EXPECT_EQ(ReadPartition(*consumer, 10), Range(0, 10));
  EXPECT_THAT(consumer->Seek(kP0, ReadFrom::At(5)).Get(), IsOk());
  EXPECT_EQ(ReadPartition(*consumer, 5), Range(5, 10));
  EXPECT_THAT(consumer->Seek(kP0, ReadFrom::Start()).Get(), IsOk());
  EXPECT_EQ(ReadPartition(*consumer, 10), Range(0, 10));
  EXPECT_THAT(consumer->Seek(kP1, ReadFrom::Start()).Get(), StatusIs(ErrorCode::kInvalidRequest));
  EXPECT_THAT(consumer->Seek(kP0, ReadFrom::At(-1)).Get(), StatusIs(ErrorCode::kInvalidRequest));
}

TEST_F(ConsumerTest, PollWaitsForRecordsAndNotLonger) {
  auto consumer = Reader(ReadFrom::Start());
  EXPECT_THAT(consumer->Poll(absl::Milliseconds(10)), IsOkAndHolds(IsEmpty()));
  std::thread later([this] { Fill(0, 0, 1); });
  EXPECT_THAT(consumer->Poll(kLong), IsOkAndHolds(SizeIs(1)));
  later.join();
}

TEST_F(ConsumerTest, PollGivesNoMoreThanAskedFor) {
  Fill(0, 0, 10);
  ConsumerOptions options;
  options.poll_records_max = 4;
  auto consumer = Reader(ReadFrom::Start(), std::move(options));
  for (const size_t expected : {4u, 4u, 2u}) {
    EXPECT_THAT(consumer->Poll(kLong), IsOkAndHolds(SizeIs(expected)));
  }
}

TEST_F(ConsumerTest, PollAsyncCompletesWithRecordsOrEmpty) {
  auto consumer = Reader(ReadFrom::Start());
  EXPECT_THAT(consumer->PollAsync(absl::Milliseconds(10)).Get(), IsOkAndHolds(IsEmpty()));
  auto waiting = consumer->PollAsync();
  EXPECT_THAT(consumer->PollAsync().Get(), StatusIs(ErrorCode::kInvalidRequest));
  Fill(0, 0, 2);
  EXPECT_THAT(waiting.Get(), IsOkAndHolds(SizeIs(2)));

  const auto read_one = [](Consumer* reader) -> Task<absl::StatusOr<int>> {
    absl::StatusOr<ConsumedRecords> records = co_await reader->PollAsync();
    if (!records.ok()) co_return records.status();
    co_return static_cast<int>(records->size());
  };
  Future<absl::StatusOr<int>> read = Start(read_one(consumer.get()));
  Fill(0, 2, 1);
  EXPECT_THAT(read.Get(), IsOkAndHolds(1));
  waiting = consumer->PollAsync();
  consumer = nullptr;
  EXPECT_THAT(waiting.Get(), StatusIs(ErrorCode::kShuttingDown));
}

TEST_F(ConsumerTest, ARangeEndsAtTheEndsOfTheCall) {
  Fill(0, 0, 10);
  Fill(1, 100, 5);
  auto consumer = MakeConsumer();
  EXPECT_THAT(consumer->AssignTopics({"t"}, ReadFrom::Start()).Get(), IsOk());
  size_t count = 0;
  {
    RecordRange records = consumer->RecordsUntilEnd(kLong);
    for (const ConsumedRecord& record : records) {
      // What comes later is not for this loop, but for who reads on.
      if (count++ == 0) Fill(static_cast<uint32_t>(record.partition()), 1'000, 3);
    }
    EXPECT_THAT(records.status(), IsOk());
  }
  EXPECT_EQ(count, 15u);
  EXPECT_THAT(Read(*consumer, 3), SizeIs(1));
  RecordRange empty = consumer->RecordsUntilEnd(kLong);
  EXPECT_EQ(empty.begin(), empty.end());
  EXPECT_THAT(empty.status(), IsOk());
}

TEST_F(ConsumerTest, ARangeThatIsLeftEarlyGivesBackTheRest) {
  Fill(0, 0, 10, 10);
  auto consumer = Reader(ReadFrom::Start());
  {
    RecordRange records = consumer->Records();
    for (const ConsumedRecord& record : records) {
      if (record.offset() == 3) break;
    }
  }
  EXPECT_EQ(ReadPartition(*consumer, 6), Range(4, 10));
}

TEST_F(ConsumerTest, AHandlerRunsUntilStop) {
  Fill(0, 0, 100);
  auto consumer = Reader(ReadFrom::Start());
  std::atomic<int> seen{0};
  const auto handler = [&](const ConsumedRecord&) {
    ++seen;
    return absl::OkStatus();
  };
  EXPECT_THAT(consumer->Run(handler), IsOk());
  EXPECT_THAT(consumer->Run(handler), StatusIs(ErrorCode::kInvalidRequest));
  EXPECT_TRUE(Eventually([&] { return seen == 100; }));
  EXPECT_THAT(consumer->Stop(), IsOk());
  Fill(0, 100, 10);
  EXPECT_EQ(ReadPartition(*consumer, 10), Range(100, 110));
  EXPECT_EQ(seen, 100);
}

TEST_F(ConsumerTest, ARunGoesOnWithTheOtherPartitionsWhenItIsTold) {
  auto consumer = MakeConsumer();
  EXPECT_THAT(consumer->Assign({{kP0, ReadFrom::Start()}, {kP1, ReadFrom::At(99)}}).Get(), IsOk());
  std::atomic<int> seen{0};
  std::atomic<int> errors{0};
  const auto handler = [&](const ConsumedRecord&) {
    ++seen;
    return absl::OkStatus();
  };
  EXPECT_THAT(consumer->Run(handler,
                            [&](const absl::Status& error) {
                              EXPECT_EQ(PartitionOf(error), kP1);
                              ++errors;
                              return true;
                            }),
              IsOk());
  EXPECT_TRUE(Eventually([&] { return errors == 1; }));
  Fill(0, 0, 5);
  EXPECT_TRUE(Eventually([&] { return seen == 5; }));
  EXPECT_THAT(consumer->Stop(), IsOk());
  EXPECT_EQ(errors, 1);
  // Without being told, it ends at the error.
  EXPECT_THAT(consumer->Seek(kP1, ReadFrom::At(99)).Get(), IsOk());
  errors = 0;
  EXPECT_THAT(consumer->Run(handler,
                            [&](const absl::Status&) {
                              ++errors;
                              return false;
                            }),
              IsOk());
  EXPECT_TRUE(Eventually([&] { return errors == 1; }));
  EXPECT_THAT(consumer->Stop(), StatusIs(ErrorCode::kOffsetOutOfRange));
}

TEST_F(ConsumerTest, NoRecordComesBeforeOnAssignedOrAfterOnRevoked) {
  Fill(0, 0, 100, 1);
  std::atomic<bool> ours{false};
  std::atomic<int> seen{0};
  std::unique_ptr<Consumer> consumer;
  ConsumerOptions options;
  options.poll_records_max = 1;
  const auto nothing_comes = [&] {
    const int before = seen;
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    EXPECT_LE(seen - before, 1);  // the one that the handler had already
  };
  options.on_assigned = [&](const auto&) {
    nothing_comes();
    ours = true;
  };
  options.on_revoked = [&](const auto&) {
    nothing_comes();
    ours = false;
  };
  consumer = MakeConsumer(std::move(options));
  EXPECT_THAT(consumer->Run([&](const ConsumedRecord&) {
    EXPECT_TRUE(seen++ > 0 || ours);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return absl::OkStatus();
  }),
              IsOk());
  EXPECT_THAT(consumer->Assign({{kP0, ReadFrom::Start()}}).Get(), IsOk());
  EXPECT_TRUE(Eventually([&] { return seen > 3; }));
  consumer->Unassign();
  EXPECT_THAT(consumer->Stop(), IsOk());
}

TEST_F(ConsumerTest, AHandlersErrorEndsTheRunBehindItsRecord) {
  Fill(0, 0, 10);
  auto consumer = Reader(ReadFrom::Start());
  std::atomic<bool> failed{false};
  EXPECT_THAT(consumer->Run([&](const ConsumedRecord& record) {
    if (record.offset() < 6) return absl::OkStatus();
    failed = true;
    return MakeError(ErrorCode::kInvalidRequest, "I do not like this one");
  }),
              IsOk());
  EXPECT_TRUE(Eventually([&] { return failed.load(); }));
  EXPECT_THAT(consumer->Stop(), StatusIs(ErrorCode::kInvalidRequest));
  EXPECT_EQ(ReadPartition(*consumer, 3), Range(7, 10));
}

TEST_F(ConsumerTest, APausedPartitionGivesAndHoldsNothing) {
  Fill(0, 0, 10);
  Fill(1, 100, 10);
  ConsumerOptions options;
  options.poll_records_max = 5;
  auto consumer = MakeConsumer(std::move(options));
  EXPECT_THAT(consumer->Assign({{kP0, ReadFrom::Start()}, {kP1, ReadFrom::Start()}}).Get(), IsOk());
  EXPECT_TRUE(Eventually([&] { return consumer->prefetched_bytes() > 0; }));
  EXPECT_THAT(consumer->Pause({kP0}), IsOk());
  auto numbers = Read(*consumer, 10);
  EXPECT_EQ(numbers[1], Range(100, 110));
  EXPECT_THAT(consumer->Poll(absl::Milliseconds(10)), IsOkAndHolds(IsEmpty()));
  EXPECT_EQ(consumer->prefetched_bytes(), 0u);
  EXPECT_TRUE(consumer->Progress(kP0)->paused);
  EXPECT_THAT(consumer->Resume({kP0}), IsOk());
  EXPECT_EQ(ReadPartition(*consumer, 10), Range(0, 10));
  EXPECT_THAT(consumer->Pause({{"other", 0}}), StatusIs(ErrorCode::kInvalidRequest));
}

TEST_F(ConsumerTest, TellsPositionAndLag) {
  Fill(0, 0, 10);
  ConsumerOptions options;
  options.poll_records_max = 4;
  auto consumer = Reader(ReadFrom::Start(), std::move(options));
  ReadPartition(*consumer, 4);
  const auto progress = consumer->Progress(kP0);
  ASSERT_THAT(progress, IsOk());
  EXPECT_EQ(progress->position, 4);
  EXPECT_EQ(progress->visible_offset, 10);
  EXPECT_EQ(progress->lag, 6);
  EXPECT_THAT(consumer->EndOffsets().Get(), IsOkAndHolds(ElementsAre(testing::Pair(kP0, 10))));
  EXPECT_THAT(consumer->Progress(kP1), StatusIs(ErrorCode::kInvalidRequest));
}

TEST_F(ConsumerTest, CallsBackOnEveryChangeOfTheAssignment) {
  std::vector<std::string> events;
  ConsumerOptions options;
  options.on_assigned = [&](const auto& partitions) {
    events.push_back("+" + std::to_string(partitions.size()));
  };
  options.on_revoked = [&](const auto& partitions) {
    events.push_back("-" + std::to_string(partitions.size()));
  };
  auto consumer = MakeConsumer(std::move(options));
  EXPECT_THAT(consumer->Assign({{kP0, ReadFrom::Start()}}).Get(), IsOk());
  EXPECT_THAT(consumer->Assign({{kP0, ReadFrom::Start()}, {kP1, ReadFrom::Start()}}).Get(), IsOk());
  consumer = nullptr;
  EXPECT_THAT(events, ElementsAre("+1", "-1", "+2", "-2"));
}

TEST_F(ConsumerTest, PrefetchStaysWithinItsMemory) {
  for (uint32_t partition = 0; partition < 3; ++partition) {
    for (int i = 0; i < 50; ++i) broker_.Append("t", partition, MakeValueBatch({std::string(1'000, 'x')}));
  }
  ConsumerOptions options;
  options.prefetch_bytes_max = 20'000;
  options.partition_bytes_max = 4'000;
  options.poll_records_max = 7;
  auto consumer = MakeConsumer(std::move(options));
  EXPECT_THAT(consumer->AssignTopics({"t"}, ReadFrom::Start()).Get(), IsOk());
  size_t got = 0;
  size_t most = 0;
  while (got < 150) {
    EXPECT_TRUE(Eventually([&] { return consumer->prefetched_bytes() > 0; }));
    most = std::max(most, consumer->prefetched_bytes());
    const auto records = consumer->Poll(kLong);
    ASSERT_THAT(records, IsOk());
    got += records->size();
  }
  EXPECT_LE(most, 20'000u + 1'100u);
  EXPECT_GT(most, 4'000u);
}

TEST_F(ConsumerTest, AsksForMorePartitionsThanARequestTakes) {
  wire::Limits limits;
  limits.set_partitions_per_request_max(10);
  broker_.SetLimits(limits);
  broker_.CreateTopic("many", 33);
  for (uint32_t partition = 0; partition < 33; ++partition) {
    broker_.Append("many", partition, MakeValueBatch({std::to_string(partition)}));
  }
  auto consumer = MakeConsumer();
  EXPECT_THAT(consumer->AssignTopics({"many"}, ReadFrom::Start()).Get(), IsOk());
  EXPECT_THAT(consumer->EndOffsets().Get(), IsOkAndHolds(SizeIs(33)));
  auto numbers = Read(*consumer, 33);
  for (int partition = 0; partition < 33; ++partition)
    EXPECT_THAT(numbers[partition], ElementsAre(partition));
}

TEST_F(ConsumerTest, PartitionsWithABacklogDoNotStarveTheOthers) {
  for (uint32_t partition = 0; partition < 3; ++partition) {
    for (int i = 0; i < 40; ++i) broker_.Append("t", partition, MakeValueBatch({std::string(1'000, 'x')}));
  }
  ConsumerOptions options;
  options.fetch_bytes_max = 2'000;
  auto consumer = MakeConsumer(std::move(options));
  EXPECT_THAT(consumer->AssignTopics({"t"}, ReadFrom::Start()).Get(), IsOk());
  std::map<int, int> seen;
  for (int got = 0; got < 60;) {
    const auto records = consumer->Poll(kLong);
    ASSERT_THAT(records, IsOk());
    for (const ConsumedRecord& record : *records) ++seen[record.partition()];
    got += static_cast<int>(records->size());
    if (got >= 30) {
      for (int partition = 0; partition < 3; ++partition) EXPECT_GT(seen[partition], 5) << partition;
    }
  }
}

TEST_F(ConsumerTest, AskingInVainIsSlowedDown) {
  ConsumerOptions options;
  options.fetch_max_wait = absl::ZeroDuration();
  auto consumer = Reader(ReadFrom::Start(), std::move(options));
  EXPECT_THAT(consumer->Poll(absl::Milliseconds(100)), IsOkAndHolds(IsEmpty()));
  EXPECT_LE(broker_.Count(Kind::kFetch), 12);
  Fill(0, 0, 1);
  EXPECT_EQ(ReadPartition(*consumer, 1), Range(0, 1));
}

TEST_F(ConsumerTest, AnAssignmentNamesEachPartitionOnce) {
  Fill(0, 0, 1);
  auto consumer = Reader(ReadFrom::Start());
  EXPECT_THAT(consumer->Assign({{kP1, ReadFrom::Start()}, {kP1, ReadFrom::End()}}).Get(),
              StatusIs(ErrorCode::kInvalidRequest));
  EXPECT_THAT(consumer->Assigned(), ElementsAre(kP0));
  EXPECT_THAT(consumer->AssignTopics({"t", "t"}, ReadFrom::Start()).Get(), IsOk());
  EXPECT_THAT(consumer->Assigned(), SizeIs(3));
}

TEST_F(ConsumerTest, ANameThatIsNotUtf8IsRefusedBeforeItIsSent) {
  auto consumer = Reader(ReadFrom::Start());
  EXPECT_THAT(consumer->Assign({{{"caf\xe9", 0}, ReadFrom::At(0)}}).Get(),
              StatusIs(ErrorCode::kInvalidTopicName));
  EXPECT_THAT(consumer->AssignTopics({"caf\xe9"}, ReadFrom::Start()).Get(),
              StatusIs(ErrorCode::kInvalidRequest));
  auto producer = MakeProducer();
  EXPECT_THAT(producer->Send(ValueRecord("caf\xe9", "v")).Get(), StatusIs(ErrorCode::kInvalidRequest));
  EXPECT_THAT(producer->Send(ValueRecord("caf\xc3\xa9", "v")).Get(), IsOk());
  EXPECT_EQ(broker_.Count(Kind::kHello), 1);
  ClientOptions options = Options();
  options.client_name = "caf\xe9";
  EXPECT_THAT(Client::Create(options), StatusIs(ErrorCode::kInvalidRequest));
}

TEST_F(ConsumerTest, UnknownTopicsAndPartitionsAreErrors) {
  auto consumer = MakeConsumer();
  EXPECT_THAT(consumer->AssignTopics({"other"}, ReadFrom::Start()).Get(), StatusIs(ErrorCode::kUnknownTopic));
  const absl::Status status =
      consumer->Assign({{{"t", 9}, ReadFrom::Start()}, {kP0, ReadFrom::Start()}}).Get();
  EXPECT_THAT(status, StatusIs(ErrorCode::kUnknownPartition));
  EXPECT_THAT(std::string(status.message()), HasSubstr("t-9"));
  // The poll says so too, once; the other partition goes on.
  EXPECT_THAT(consumer->Poll(kLong), StatusIs(ErrorCode::kUnknownPartition));
  Fill(0, 0, 3);
  EXPECT_EQ(ReadPartition(*consumer, 3), Range(0, 3));
}

TEST_F(ConsumerTest, RefusesUnusableOptionsAndAssignments) {
  MakeClient();
  ConsumerOptions options;
  options.prefetch_bytes_max = 0;
  EXPECT_THAT(Consumer::Create(*client_, std::move(options)), StatusIs(ErrorCode::kInvalidRequest));
  auto consumer = MakeConsumer();
  EXPECT_THAT(consumer->Assign({{{"t", -1}, ReadFrom::Start()}}).Get(), StatusIs(ErrorCode::kInvalidRequest));
}

}  // namespace
}  // namespace leat
