#include "storage/log/recovery_plan.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "storage/log/file_names.h"

namespace leat {
namespace {

constexpr std::nullopt_t kAny = std::nullopt;

constexpr std::array<DecisionRow, 16> kTable = {{
    {Trouble::kDamage, Evidence::kAbove, kAny, kAny, Decision::kCut, "nothing was promised here"},
    {Trouble::kHole, Evidence::kAbove, kAny, kAny, Decision::kCut, "nothing was promised here"},
    {Trouble::kDamage, Evidence::kBelow, kAny, true, Decision::kQuarantine, "a sealed segment is damaged"},
    {Trouble::kHole, Evidence::kBelow, kAny, true, Decision::kQuarantine, "a sealed segment is too short"},
    {Trouble::kDamage, Evidence::kBelow, kAny, false, Decision::kFence, "what was promised is damaged"},
    {Trouble::kHole, Evidence::kBelow, kAny, false, Decision::kFence, "what was promised is gone"},
    {Trouble::kDamage, Evidence::kNone, false, kAny, Decision::kCut, "nothing valid follows"},
    {Trouble::kHole, Evidence::kNone, false, kAny, Decision::kCut, "nothing valid follows"},
    {Trouble::kDamage, Evidence::kNone, true, kAny, Decision::kFence,
     "valid batches follow, and no checkpoint"},
    {Trouble::kHole, Evidence::kNone, true, kAny, Decision::kFence,
     "valid batches follow, and no checkpoint"},
    {Trouble::kContradiction, kAny, kAny, kAny, Decision::kFence, "two sources disagree"},
    // The first segment was durable before the topic was, so that no crash takes it away.
    {Trouble::kMissing, kAny, kAny, kAny, Decision::kFence, "the start of the log is gone"},
    // Sound bytes may be there: none is ever cut.
    {Trouble::kUnreadable, Evidence::kBelow, kAny, true, Decision::kQuarantine,
     "a sealed segment cannot be read"},
    {Trouble::kUnreadable, Evidence::kBelow, kAny, false, Decision::kFence, "it cannot be read"},
    {Trouble::kUnreadable, Evidence::kAbove, kAny, kAny, Decision::kFence, "it cannot be read"},
    {Trouble::kUnreadable, Evidence::kNone, kAny, kAny, Decision::kFence, "it cannot be read"},
}};

// Walks the chain of segments and decides about the first trouble of each.
class Planner {
 public:
  explicit Planner(const RecoveryObservations& observed) : observed_(observed) {
    plan_.segments.resize(observed.segments.size());
  }

  RecoveryPlan Run() {
    bool going_on = CheckStart();
    for (size_t i = 0; i < observed_.segments.size() && going_on; ++i) going_on = PlanSegment(i);
    if (plan_.fence.empty() && plan_.end < observed_.log_start) {
      FenceAll(Trouble::kMissing, absl::StrCat("the log ends at offset ", plan_.end));
    }
    if (!plan_.fence.empty()) EndBehindEverything();
    plan_.end = std::max(plan_.end, observed_.log_start);
    return plan_;
  }

 private:
  static const DecisionRow& RowOf(const TroubleSite& site) {
    return *std::find_if(kTable.begin(), kTable.end(),
                         [&site](const DecisionRow& row) { return row.Matches(site); });
  }

  // What follows is the same for all troubles: evidence, and whether a valid batch follows segment `first`
  // - 1.
  TroubleSite SiteOf(Trouble trouble, Offset at, size_t first) const {
    TroubleSite site{.trouble = trouble};
    if (observed_.checkpoint) {
      site.evidence = at < observed_.checkpoint->synced ? Evidence::kBelow : Evidence::kAbove;
    }
    for (size_t j = first; j < observed_.segments.size(); ++j) {
      site.followed = site.followed || observed_.segments[j].has_batches();
    }
    return site;
  }

  // False: nothing else is to be decided.
  bool CheckStart() {
    if (!observed_.unreadable.empty()) return FenceAll(Trouble::kUnreadable, observed_.unreadable);
    if (observed_.segments.empty()) return FenceAll(Trouble::kMissing, "no segment is left");
    const Offset first = observed_.segments.front().base;
    if (first <= observed_.log_start) return true;
    return FenceAll(Trouble::kMissing, absl::StrCat("the first segment starts at offset ", first));
  }

  bool FenceAll(Trouble trouble, absl::string_view what) {
    Fence(observed_.log_start, RowOf(SiteOf(trouble, observed_.log_start, 0)), what);
    MarkDamageFrom(0);
    return false;
  }

  // False when the log ends with this segment.
  bool PlanSegment(size_t i) {
    const SegmentObservation& segment = observed_.segments[i];
    plan_.end = segment.good_next;
    const bool last = i + 1 == observed_.segments.size();
    const std::optional<Trouble> trouble = TroubleOf(i);
    if (!trouble) return true;
    TroubleSite site = SiteOf(*trouble, segment.good_next, i + 1);
    if (LiesInPromisedBytes(segment)) site.evidence = Evidence::kBelow;
    site.followed = site.followed || segment.batch_after_damage;
    site.proven = site.evidence == Evidence::kBelow && !last &&
                  observed_.segments[i + 1].base <= observed_.checkpoint->synced;
    return Apply(i, site, RowOf(site));
  }

  // Offsets alone do not tell: a damaged header may name a later one than was ever given out.
  bool LiesInPromisedBytes(const SegmentObservation& segment) const {
    if (!observed_.checkpoint) return false;
    const CheckpointEntry& checkpoint = *observed_.checkpoint;
    return segment.base < checkpoint.segment_base ||
           (segment.base == checkpoint.segment_base && segment.good_bytes < checkpoint.position);
  }

  SegmentDamage DamageOf(size_t i) const {
    const SegmentObservation& segment = observed_.segments[i];
    const bool last = i + 1 == observed_.segments.size();
    return {last ? segment.good_next : std::min(segment.good_next, observed_.segments[i + 1].base),
            segment.good_bytes};
  }

  std::optional<Trouble> TroubleOf(size_t i) const {
    const SegmentObservation& segment = observed_.segments[i];
    if (segment.unreadable) return Trouble::kUnreadable;
    if (segment.contradicts_checkpoint) return Trouble::kContradiction;
    if (segment.good_bytes < segment.bytes) return Trouble::kDamage;
    if (i + 1 < observed_.segments.size()) {
      const Offset next = observed_.segments[i + 1].base;
      if (segment.good_next > next) return Trouble::kContradiction;
      if (segment.good_next < next) return Trouble::kHole;
    } else if (observed_.checkpoint && segment.good_next < observed_.checkpoint->synced) {
      return Trouble::kHole;
    }
    return std::nullopt;
  }

  bool Apply(size_t i, const TroubleSite& site, const DecisionRow& row) {
    const SegmentObservation& segment = observed_.segments[i];
    const std::string what = segment.reason.empty() ? "it ends there" : segment.reason;
    switch (row.decision) {
      case Decision::kCut:
        if (site.trouble == Trouble::kDamage) plan_.segments[i].action = SegmentPlan::Action::kCutTail;
        SetAsideFrom(i + 1);
        Note(i, row, what);
        return false;
      case Decision::kQuarantine:
        plan_.segments[i].damage = DamageOf(i);
        Note(i, row, what);
        return true;
      case Decision::kFence:
        if (site.trouble != Trouble::kContradiction) {
          plan_.segments[i].damage = DamageOf(i);
        }
        Fence(segment.good_next, row,
              absl::StrCat(SegmentFileName(segment.base, kLogSuffix), ", byte ", segment.good_bytes, ": ",
                           what));
        MarkDamageFrom(i + 1);
        return false;
    }
    return false;
  }

  void Note(size_t i, const DecisionRow& row, absl::string_view what) {
    const SegmentObservation& segment = observed_.segments[i];
    plan_.notes.push_back(absl::StrCat(
        row.decision == Decision::kCut ? "cut " : "quarantined ", SegmentFileName(segment.base, kLogSuffix),
        " from byte ", segment.good_bytes, ", offset ", segment.good_next, ", on (", row.why, "): ", what));
  }

  void Fence(Offset at, const DecisionRow& row, absl::string_view what) {
    if (!plan_.fence.empty()) return;
    plan_.fence = absl::StrCat(row.why, " from offset ", at, " on: ", what);
    plan_.notes.push_back(absl::StrCat("fenced, ", plan_.fence));
  }

  void SetAsideFrom(size_t first) {
    for (size_t j = first; j < plan_.segments.size(); ++j) {
      plan_.segments[j].action = SegmentPlan::Action::kSetAside;
    }
  }

  void MarkDamageFrom(size_t first) {
    for (size_t j = first; j < observed_.segments.size(); ++j) {
      const SegmentObservation& segment = observed_.segments[j];
      const bool short_of_next =
          j + 1 < observed_.segments.size() && segment.good_next < observed_.segments[j + 1].base;
      if (segment.good_bytes < segment.bytes || segment.unreadable || short_of_next) {
        plan_.segments[j].damage = DamageOf(j);
      }
    }
  }

  // Offsets that a fenced log has once given out must read as lost, not as never written.
  void EndBehindEverything() {
    if (observed_.checkpoint) plan_.end = std::max(plan_.end, observed_.checkpoint->synced);
    for (const SegmentObservation& segment : observed_.segments) {
      plan_.end = std::max({plan_.end, segment.base, segment.good_next, segment.seen_next});
    }
  }

  const RecoveryObservations& observed_;
  RecoveryPlan plan_;
};

}  // namespace

bool DecisionRow::Matches(const TroubleSite& site) const {
  return trouble == site.trouble && (!evidence || *evidence == site.evidence) &&
         (!followed || *followed == site.followed) && (!proven || *proven == site.proven);
}

absl::Span<const DecisionRow> DecisionTable() { return kTable; }

RecoveryPlan PlanRecovery(const RecoveryObservations& observed) { return Planner(observed).Run(); }

}  // namespace leat
