// The small parts: deadlines, memory budget, names of things.

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/banner.h"
#include "broker/close_reason.h"
#include "broker/deadlines.h"
#include "broker/listen_address.h"
#include "broker/memory_budget.h"
#include "broker/metrics.h"
#include "broker/request_table.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/sim_runtime.h"
#include "tests/support/status_matchers.h"

namespace leat {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(DeadlinesTest, RunInTheirOrderUnlessDropped) {
  SimRuntime runtime(1);
  const std::unique_ptr<Executor> executor = runtime.NewExecutor("x");
  Deadlines deadlines(*executor, runtime.clock());
  std::vector<int> ran;
  deadlines.Add(absl::Seconds(3), [&] { ran.push_back(3); });
  deadlines.Add(absl::Seconds(1), [&] { ran.push_back(1); });
  const Deadlines::Id second = deadlines.Add(absl::Seconds(2), [&] { ran.push_back(2); });
  deadlines.Add(absl::Seconds(1), [&] { ran.push_back(11); });
  deadlines.Drop(second);
  runtime.RunFor(absl::Milliseconds(999));
  EXPECT_TRUE(ran.empty());
  runtime.RunFor(absl::Seconds(10));
  EXPECT_THAT(ran, ElementsAre(1, 11, 3));
  deadlines.Add(absl::Seconds(20), [&] { ran.push_back(20); });
  executor->Stop();
  deadlines.Clear();
  runtime.RunFor(absl::Seconds(100));
  EXPECT_EQ(ran.size(), 3u);
}

TEST(DeadlinesTest, ATaskMayAddAndDrop) {
  SimRuntime runtime(1);
  const std::unique_ptr<Executor> executor = runtime.NewExecutor("x");
  Deadlines deadlines(*executor, runtime.clock());
  std::vector<int> ran;
  Deadlines::Id second;
  deadlines.Add(absl::Seconds(1), [&] {
    ran.push_back(1);
    deadlines.Drop(second);
    deadlines.Add(absl::Seconds(2), [&] { ran.push_back(22); });
  });
  second = deadlines.Add(absl::Seconds(1), [&] { ran.push_back(2); });
  runtime.RunFor(absl::Seconds(5));
  EXPECT_THAT(ran, ElementsAre(1, 22));
}

TEST(MemoryBudgetTest, WaitersAreCalledWhenItIsBelowAgain) {
  MemoryBudget budget(100);
  int woken = 0;
  budget.Charge(150);
  EXPECT_TRUE(budget.over());
  budget.Wait([&](bool with_pass) {
    EXPECT_FALSE(with_pass);
    ++woken;
  });
  const uint64_t cancelled = budget.Wait([&](bool) { woken += 100; });
  EXPECT_TRUE(budget.CancelWait(cancelled));
  EXPECT_FALSE(budget.CancelWait(cancelled));
  budget.Charge(-40);
  EXPECT_EQ(woken, 0);
  budget.Charge(-10);
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(budget.used(), 100);
}

TEST(MemoryBudgetTest, OnePassGoesFromOneToTheNext) {
  MemoryBudget budget(100);
  budget.Charge(150);
  EXPECT_TRUE(budget.TakePass());
  EXPECT_FALSE(budget.TakePass());
  bool passed = false;
  budget.Wait([&](bool with_pass) { passed = with_pass; });
  budget.ReturnPass();
  EXPECT_TRUE(passed);
  EXPECT_FALSE(budget.TakePass());
  budget.ReturnPass();
  EXPECT_TRUE(budget.TakePass());
}

TEST(RequestTableTest, HasARowForEveryRequestOfTheProtocol) {
  const google::protobuf::OneofDescriptor* oneof =
      wire::RequestHeader::descriptor()->FindOneofByName("request");
  ASSERT_EQ(RequestTable().size(), static_cast<size_t>(oneof->field_count()));
  for (int i = 0; i < oneof->field_count(); ++i) {
    const RequestRow* row = FindRequest(static_cast<RequestKind>(oneof->field(i)->number()));
    ASSERT_NE(row, nullptr) << oneof->field(i)->name();
    EXPECT_EQ(row->name, absl::string_view(oneof->field(i)->name()));
    EXPECT_LT(static_cast<size_t>(row->kind), kRequestKindsMax);
  }
  EXPECT_EQ(FindRequest(wire::RequestHeader::REQUEST_NOT_SET), nullptr);
}

TEST(CloseReasonTest, EachHasAName) {
  std::set<std::string> names;
  for (size_t i = 0; i < kCloseReasons; ++i) {
    EXPECT_TRUE(names.insert(std::string(CloseReasonName(static_cast<CloseReason>(i)))).second);
  }
  EXPECT_EQ(CloseReasonName(CloseReason::kShutdown), "shutdown");
}

TEST(ListenAddressTest, LoopbackIsFreeTheRestNeedsInsecure) {
  for (const char* listen :
       {"127.0.0.1:0", "127.1.2.3:9", "[::1]:0", "localhost:0", "[::ffff:127.0.0.1]:1"}) {
    EXPECT_THAT(ResolveListenAddress(listen, false), IsOk()) << listen;
  }
  for (const char* listen : {"0.0.0.0:0", "[::]:0", "192.0.2.1:1", "[::ffff:192.0.2.1]:1"}) {
    const auto refused = ResolveListenAddress(listen, false);
    EXPECT_THAT(refused, StatusIs(ErrorCode::kInvalidConfig)) << listen;
    EXPECT_THAT(std::string(refused.status().message()), HasSubstr("--insecure")) << listen;
    EXPECT_THAT(ResolveListenAddress(listen, true), IsOk()) << listen;
  }
  for (const char* listen : {"", ":::", "127.0.0.1:99999", "no such host.invalid:1"}) {
    EXPECT_THAT(ResolveListenAddress(listen, true), StatusIs(ErrorCode::kInvalidConfig)) << listen;
  }
  EXPECT_EQ((*ResolveListenAddress("127.0.0.1", false))[0].port(), 9640);
  // Which an IPv6 socket could not be bound to.
  EXPECT_EQ(EndpointText((*ResolveListenAddress("[::ffff:127.0.0.1]:5", false))[0]), "127.0.0.1:5");
  EXPECT_EQ(EndpointText((*ResolveListenAddress("[::1]:5", false))[0]), "[::1]:5");
}

TEST(BannerTest, SaysWhatANewcomerNeeds) {
  Config config;
  config.data_dir = "/data/leat";
  RecoveryReport report;
  report.fresh = true;
  std::string text;
  for (const std::string& line : BannerLines(config, "127.0.0.1:9640", report))
    absl::StrAppend(&text, line, "\n");
  for (const char* part : {"leatd 0.1.0", "/data/leat", "127.0.0.1:9640", "survive power loss",
                           "new data directory", "next: leat produce demo"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  report.fresh = false;
  report.partitions = 3;
  report.bytes_cut = 17;
  report.partitions_damaged = 2;
  EXPECT_THAT(BannerLines(config, "127.0.0.1:5", report)[4], HasSubstr("cut 17 bytes"));
  EXPECT_THAT(BannerLines(config, "127.0.0.1:5", report)[4], HasSubstr("2 partitions have lost records"));
  EXPECT_THAT(BannerLines(config, "127.0.0.1:5", report)[5], HasSubstr("--address 127.0.0.1:5"));
}

}  // namespace
}  // namespace leat
