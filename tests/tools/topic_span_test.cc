#include "tools/cli/topic_span.h"

#include <gtest/gtest.h>

#include "protocol/record/error.h"
#include "tools/cli/exit_code.h"

namespace leat {
namespace {

using Kind = Position::Kind;

PartitionBounds Bounds(int32_t partition, Offset log_start, Offset visible) {
  return {partition, log_start, visible, {}, {}};
}

RangeRequest Request(std::optional<Position> from, std::optional<Position> to) {
  RangeRequest request;
  request.range = {from, to};
  request.now_ms = 1000;
  return request;
}

// The span of one partition that holds offsets 10 to 19.
PartitionSpan Span(std::optional<Position> from, std::optional<Position> to, bool stop_at_end = false) {
  RangeRequest request = Request(from, to);
  request.stop_at_end = stop_at_end;
  const auto span = ResolveSpan("t", request, {Bounds(0, 10, 20)});
  EXPECT_TRUE(span.ok()) << span.status();
  return span.ok() ? span->partitions.at(0) : PartitionSpan();
}

TEST(ResolveSpan, PlacesOfTheStart) {
  EXPECT_EQ(Span(std::nullopt, std::nullopt).from, 10);
  EXPECT_EQ(Span(Position{Kind::kEnd, 0}, std::nullopt).from, 20);
  EXPECT_EQ(Span(Position{Kind::kOffset, 15}, std::nullopt).from, 15);
  EXPECT_EQ(Span(Position{Kind::kFromStart, 3}, std::nullopt).from, 13);
  EXPECT_EQ(Span(Position{Kind::kFromStart, INT64_MAX}, std::nullopt).from, 20);
  EXPECT_EQ(Span(Position{Kind::kFromEnd, 3}, std::nullopt).from, 17);
  EXPECT_EQ(Span(Position{Kind::kFromEnd, INT64_MAX}, std::nullopt).from, 10);
}

TEST(ResolveSpan, OnlyARangeWithEndOrAStopEnds) {
  EXPECT_FALSE(Span(std::nullopt, std::nullopt).to.has_value());
  EXPECT_EQ(Span(std::nullopt, std::nullopt, true).to, 20);
  EXPECT_EQ(Span(std::nullopt, Position{Kind::kOffset, 12}).to, 12);
  EXPECT_EQ(Span(std::nullopt, Position{Kind::kOffset, 100}).to, 20) << "what is not there is not waited for";
  EXPECT_TRUE(Span(Position{Kind::kEnd, 0}, Position{Kind::kEnd, 0}).empty());
}

TEST(ResolveSpan, TimesComeFromTheDaemonsAnswers) {
  PartitionBounds bounds = Bounds(0, 10, 20);
  bounds.from_time = {12, 500};
  bounds.to_time = {15, 800};
  const auto span =
      ResolveSpan("t", Request(Position{Kind::kTime, 450}, Position{Kind::kTime, 700}), {bounds});
  ASSERT_TRUE(span.ok());
  EXPECT_EQ(span->partitions[0].from, 12);
  EXPECT_EQ(span->partitions[0].to, 15);
  EXPECT_EQ(span->expected_records(), 3);
}

TEST(ResolveSpan, ATimeToComeIsWaitedFor) {
  PartitionBounds bounds = Bounds(0, 10, 20);
  bounds.to_time = {20, -1};
  RangeRequest request = Request(std::nullopt, Position{Kind::kTime, 2000});
  auto span = ResolveSpan("t", request, {bounds});
  ASSERT_TRUE(span.ok());
  EXPECT_FALSE(span->partitions[0].to.has_value());
  EXPECT_EQ(span->partitions[0].to_time_ms, 2000);
  request.range.to = Position{Kind::kTime, 900};  // no record since, but the time has passed
  span = ResolveSpan("t", request, {bounds});
  EXPECT_EQ(span->partitions[0].to, 20);
}

TEST(ResolveSpan, WhatIsGoneIsTold) {
  const auto span = ResolveSpan("t", Request(Position{Kind::kOffset, 4}, Position{Kind::kOffset, 12}),
                                {Bounds(0, 10, 20), Bounds(1, 0, 20), Bounds(2, 15, 20)});
  ASSERT_TRUE(span.ok());
  EXPECT_EQ(DescribeGone(span->gone),
            "offsets 4 to 9 of partition 0 are gone, offsets 4 to 11 of partition 2 are gone");
  EXPECT_EQ(span->partitions[0].from, 10);
  EXPECT_EQ(span->partitions[1].from, 4);
  EXPECT_TRUE(span->partitions[2].empty());
}

TEST(ResolveSpan, AnOffsetBehindEveryEndIsAnError) {
  const RangeRequest request = Request(Position{Kind::kOffset, 30}, std::nullopt);
  const auto beyond = ResolveSpan("t", request, {Bounds(0, 10, 20), Bounds(1, 0, 0)});
  EXPECT_EQ(CodeOf(beyond.status()), ErrorCode::kOffsetOutOfRange);
  EXPECT_NE(std::string(beyond.status().message()).find("partition 0 holds 10 to 19"), std::string::npos);
  EXPECT_TRUE(ResolveSpan("t", request, {Bounds(0, 10, 20), Bounds(1, 0, 30)}).ok());
}

TEST(ResolveSpan, ARangeThatEndsBeforeItBeginsIsAUsageError) {
  const auto span =
      ResolveSpan("t", Request(Position{Kind::kOffset, 5}, Position{Kind::kOffset, 4}), {Bounds(0, 0, 9)});
  EXPECT_EQ(ExitCodeOf(span.status()), ExitCode::kUsage);
}

}  // namespace
}  // namespace leat
