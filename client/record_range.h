#pragma once

#include <cstddef>
#include <iterator>
#include <map>
#include <optional>
#include <set>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/consumed_record.h"
#include "client/consumer.h"

namespace leat {

// Records one after the other, for `for` loops, over Consumer::Poll. The loop ends at the stop condition or
// at an error: look at status() after it. A loop that is left early may be continued by another: the consumer
// stands behind the last record seen once the range is destroyed.
//
//   RecordRange records = consumer->RecordsUntilEnd(absl::Seconds(30));
//   for (const ConsumedRecord& record : records) Use(record);
//   if (!records.status().ok()) ...
//
// One thread. Borrows the consumer.
class RecordRange {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = ConsumedRecord;
    using difference_type = std::ptrdiff_t;
    using pointer = const ConsumedRecord*;
    using reference = const ConsumedRecord&;

    explicit Iterator(RecordRange* range) : range_(range) {}
    reference operator*() const { return range_->records_[range_->next_]; }
    pointer operator->() const { return &**this; }
    Iterator& operator++() {
      ++range_->next_;
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !range_->Fill(); }

   private:
    RecordRange* range_;
  };

  RecordRange(const RecordRange&) = delete;
  RecordRange& operator=(const RecordRange&) = delete;
  ~RecordRange();

  Iterator begin() { return Iterator(this); }
  std::default_sentinel_t end() const { return {}; }

  // Why the loop ended: OK at the stop condition, kTimedOut when no record came for `timeout` before that,
  // else the consumer's error.
  const absl::Status& status() const { return status_; }

 private:
  friend class Consumer;
  RecordRange(ConsumerCore& consumer, bool until_end, absl::Duration timeout);

  // Makes a record available at records_[next_]; false at the end of the range.
  bool Fill();
  // Polls until records are there or the end is reached.
  void Refill();
  void Hold(const ConsumedRecords& beyond);
  bool AtEnds() const;
  bool BelowEnd(const ConsumedRecord& record) const;

  ConsumerCore& consumer_;
  const bool until_end_;
  const absl::Duration timeout_;
  std::optional<std::map<TopicPartition, Offset>> ends_;  // with until_end_: once they were asked for
  std::set<TopicPartition> held_;                         // paused at their ends
  ConsumedRecords records_;
  size_t next_ = 0;
  bool ended_ = false;
  absl::Status status_;
};

}  // namespace leat
