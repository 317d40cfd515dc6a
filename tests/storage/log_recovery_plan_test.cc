#include "storage/log/recovery_plan.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leat {
namespace {

constexpr bool kBools[] = {false, true};

TEST(RecoveryPlanTest, EverySiteHasExactlyOneDecision) {
  int sites = 0;
  for (const Trouble trouble :
       {Trouble::kDamage, Trouble::kHole, Trouble::kContradiction, Trouble::kMissing, Trouble::kUnreadable}) {
    for (const Evidence evidence : {Evidence::kNone, Evidence::kBelow, Evidence::kAbove}) {
      for (const bool followed : kBools) {
        for (const bool proven : kBools) {
          if (proven && evidence != Evidence::kBelow) continue;
          int rows = 0;
          for (const DecisionRow& row : DecisionTable())
            rows += row.Matches({trouble, evidence, followed, proven});
          EXPECT_EQ(rows, 1) << static_cast<int>(trouble) << static_cast<int>(evidence) << followed << proven;
          ++sites;
        }
      }
    }
  }
  EXPECT_EQ(sites, 5 * 8);
}

TEST(RecoveryPlanTest, OnlyBytesAboveAllEvidenceAreCut) {
  for (const DecisionRow& row : DecisionTable()) {
    if (row.decision != Decision::kCut) continue;
    const bool above = row.evidence == Evidence::kAbove;
    const bool nothing_follows = row.evidence == Evidence::kNone && row.followed == false;
    EXPECT_TRUE(above || nothing_follows) << row.why;
  }
}

SegmentObservation Sound(Offset base, Offset next, uint64_t bytes) {
  return {.base = base, .bytes = bytes, .good_bytes = bytes, .good_next = next, .seen_next = next};
}
SegmentObservation Torn(Offset base, Offset next, uint64_t good_bytes, uint64_t bytes) {
  return {.base = base,
          .bytes = bytes,
          .good_bytes = good_bytes,
          .good_next = next,
          .reason = "torn",
          .seen_next = next};
}
CheckpointEntry At(Offset synced, Offset base, uint64_t position) {
  return {.partition_id = 1, .log_start = 0, .synced = synced, .segment_base = base, .position = position};
}
using Action = SegmentPlan::Action;

// Every combination of what three segments can look like, with every place of the checkpoint.
TEST(RecoveryPlanTest, EveryObservationGivesOneConsistentPlan) {
  // Segment i holds 10 offsets in 100 bytes when sound.
  int plans = 0;
  for (int combination = 0; combination < 7 * 7 * 7; ++combination) {
    for (int synced = -1; synced <= 30; synced += synced < 0 ? 1 : 5) {
      RecoveryObservations observed;
      if (synced >= 0) {
        const Offset base = synced == 30 ? 20 : synced / 10 * 10;
        observed.checkpoint = At(synced, base, static_cast<uint64_t>(synced - base) * 10);
      }
      for (int i = 0, rest = combination; i < 3; ++i, rest /= 7) {
        const Offset base = i * 10;
        switch (rest % 7) {
          case 0:
            observed.segments.push_back(Sound(base, base + 10, 100));
            break;
          case 1:
            observed.segments.push_back(Torn(base, base + 6, 60, 100));
            break;
          case 2:
            observed.segments.push_back(Torn(base, base + 6, 60, 100));
            observed.segments.back().batch_after_damage = true;
            observed.segments.back().seen_next = base + 9;
            break;
          case 3:
            observed.segments.push_back(Sound(base, base + 6, 60));
            break;
          case 4:
            observed.segments.push_back(Sound(base, base, 0));
            break;
          case 5:
            observed.segments.push_back(Torn(base, base + 6, 60, 100));
            observed.segments.back().unreadable = true;
            break;
          case 6:
            break;  // missing
        }
      }
      const RecoveryPlan plan = PlanRecovery(observed);
      ++plans;
      SCOPED_TRACE(::testing::Message() << "combination " << combination << ", synced " << synced);
      ASSERT_EQ(plan.segments.size(), observed.segments.size());
      const bool keeps_one =
          std::any_of(plan.segments.begin(), plan.segments.end(),
                      [](const SegmentPlan& segment) { return segment.action != Action::kSetAside; });
      EXPECT_TRUE(keeps_one || !plan.fence.empty());
      // What was promised is never given up, and nothing is cut once the log is fenced.
      EXPECT_GE(plan.end, synced);
      bool ended = false;
      for (size_t i = 0; i < plan.segments.size(); ++i) {
        const SegmentObservation& seen = observed.segments[i];
        const Action action = plan.segments[i].action;
        if (!plan.fence.empty()) {
          EXPECT_EQ(action, Action::kKeep);
        }
        if (ended) {
          EXPECT_EQ(action, Action::kSetAside);
        }
        if (action == Action::kCutTail) {
          EXPECT_GE(seen.good_next, synced);
          EXPECT_FALSE(seen.unreadable);
        }
        if (action == Action::kSetAside) {
          EXPECT_GE(seen.base, synced);
        }
        if (action != Action::kKeep) ended = true;
        if (action == Action::kKeep && seen.good_bytes < seen.bytes) {
          EXPECT_TRUE(plan.segments[i].damage.has_value());
        }
      }
      // The same observations after the plan was carried out ask for nothing more.
      RecoveryObservations after = observed;
      after.segments.clear();
      for (size_t i = 0; i < plan.segments.size(); ++i) {
        SegmentObservation seen = observed.segments[i];
        if (plan.segments[i].action == Action::kSetAside) continue;
        if (plan.segments[i].action == Action::kCutTail) seen.bytes = seen.good_bytes;
        after.segments.push_back(seen);
      }
      if (after.segments.empty()) continue;
      const RecoveryPlan again = PlanRecovery(after);
      EXPECT_EQ(again.fence.empty(), plan.fence.empty());
      EXPECT_EQ(again.end, plan.end);
      for (const SegmentPlan& segment : again.segments) EXPECT_EQ(segment.action, Action::kKeep);
    }
  }
  EXPECT_EQ(plans, 343 * 8);
}

TEST(RecoveryPlanTest, CutsATornTailAboveTheCheckpoint) {
  const RecoveryPlan plan =
      PlanRecovery({.checkpoint = At(5, 0, 50), .segments = {Torn(0, 7, 70, 90), Sound(10, 12, 20)}});
  EXPECT_EQ(plan.segments[0].action, Action::kCutTail);
  EXPECT_EQ(plan.segments[1].action, Action::kSetAside);
  EXPECT_EQ(plan.end, 7);
  EXPECT_TRUE(plan.fence.empty());
  EXPECT_EQ(plan.notes.size(), 1u);
}

TEST(RecoveryPlanTest, FencesWhatWasPromisedAndIsDamaged) {
  const RecoveryPlan plan = PlanRecovery({.checkpoint = At(9, 0, 90), .segments = {Torn(0, 7, 70, 90)}});
  EXPECT_EQ(plan.segments[0].action, Action::kKeep);
  ASSERT_TRUE(plan.segments[0].damage.has_value());
  EXPECT_EQ(plan.segments[0].damage->offset, 7);
  EXPECT_EQ(plan.end, 9);
  EXPECT_THAT(plan.fence, ::testing::HasSubstr("offset 7"));
}

// A damaged header can make the last good batch end at any offset. The bytes behind it were promised all the
// same.
TEST(RecoveryPlanTest, PromisedBytesAreNotCutWhateverOffsetAHeaderNames) {
  const RecoveryPlan active = PlanRecovery({.checkpoint = At(9, 0, 90), .segments = {Torn(0, 30, 70, 90)}});
  EXPECT_EQ(active.segments[0].action, Action::kKeep);
  EXPECT_FALSE(active.fence.empty());
  const RecoveryPlan sealed =
      PlanRecovery({.checkpoint = At(15, 10, 50), .segments = {Torn(0, 30, 70, 100), Sound(10, 20, 100)}});
  EXPECT_EQ(sealed.segments[0].action, Action::kKeep);
  EXPECT_EQ(sealed.segments[1].action, Action::kKeep);
  ASSERT_TRUE(sealed.segments[0].damage.has_value());
  EXPECT_LE(sealed.segments[0].damage->offset, 10);
  EXPECT_EQ(sealed.end, 20);
}

TEST(RecoveryPlanTest, QuarantinesDamageInASealedSegment) {
  const RecoveryPlan plan =
      PlanRecovery({.checkpoint = At(15, 10, 50), .segments = {Torn(0, 7, 70, 100), Sound(10, 20, 100)}});
  EXPECT_TRUE(plan.fence.empty());
  EXPECT_TRUE(plan.segments[0].damage.has_value());
  EXPECT_FALSE(plan.segments[1].damage.has_value());
  EXPECT_EQ(plan.end, 20);
}

TEST(RecoveryPlanTest, WithoutACheckpointNothingIsCutThatAValidBatchFollows) {
  RecoveryObservations observed{.segments = {Torn(0, 7, 70, 100)}};
  EXPECT_TRUE(PlanRecovery(observed).fence.empty());
  observed.segments[0].batch_after_damage = true;
  observed.segments[0].seen_next = 9;
  const RecoveryPlan plan = PlanRecovery(observed);
  EXPECT_FALSE(plan.fence.empty());
  EXPECT_EQ(plan.end, 9);
}

TEST(RecoveryPlanTest, OverlapsAreContradictions) {
  const RecoveryPlan plan =
      PlanRecovery({.checkpoint = At(0, 0, 0), .segments = {Sound(0, 12, 120), Sound(10, 20, 100)}});
  EXPECT_FALSE(plan.fence.empty());
}

TEST(RecoveryPlanTest, NothingLeftIsLossWhateverWasPromised) {
  for (const std::optional<CheckpointEntry>& checkpoint :
       {std::optional<CheckpointEntry>(), std::optional<CheckpointEntry>(At(0, 0, 0))}) {
    EXPECT_THAT(PlanRecovery({.checkpoint = checkpoint}).fence, ::testing::HasSubstr("no segment is left"));
  }
  const RecoveryPlan unknown = PlanRecovery({.checkpoint = At(7, 0, 70), .unreadable = "broken"});
  EXPECT_THAT(unknown.fence, ::testing::HasSubstr("broken"));
  EXPECT_EQ(unknown.end, 7);
}

// Appends would leave a gap in a segment.
TEST(RecoveryPlanTest, ALogThatEndsBeforeItsStartIsFenced) {
  const RecoveryPlan plan =
      PlanRecovery({.log_start = 10, .checkpoint = At(5, 0, 50), .segments = {Sound(0, 5, 50)}});
  EXPECT_FALSE(plan.fence.empty());
  EXPECT_EQ(plan.end, 10);
}

TEST(RecoveryPlanTest, AMissingStartIsFenced) {
  const RecoveryPlan plan = PlanRecovery({.checkpoint = At(20, 10, 100), .segments = {Sound(10, 20, 100)}});
  EXPECT_THAT(plan.fence, ::testing::HasSubstr("starts at offset 10"));
}

}  // namespace
}  // namespace leat
