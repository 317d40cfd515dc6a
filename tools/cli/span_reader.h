#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/consumer.h"
#include "tools/cli/connection_watch.h"
#include "tools/cli/topic_span.h"

namespace leat {

// Reads the records of a span and knows when it has had them all. One thread.
class SpanReader {
 public:
  // `client` outlives the reader. `watch` decides how long to wait for a daemon that is away.
  static absl::StatusOr<std::unique_ptr<SpanReader>> Create(Client& client, const std::string& topic,
                                                            const TopicSpan& span, ConnectionWatch watch);

  // Records of the span that came within `timeout`, maybe none; those of one partition in order. What is
  // damaged or was deleted meanwhile is left out: see gone(). A partition that cannot be read on is done, the
  // others go on: see failures().
  absl::StatusOr<ConsumedRecords> Poll(absl::Duration timeout);

  // True when every record of the partition, or of all of them, has been given.
  bool done(int32_t partition) const { return parts_.count(partition) == 0; }
  bool done() const { return parts_.empty(); }

  // What was left out so far, beginning with what the span knew.
  const std::vector<GoneRange>& gone() const { return gone_; }

  // One for each partition that could not be read to its end, with what was left out.
  const std::vector<absl::Status>& failures() const { return failures_; }

  // Stops the flow of one partition for a while. No effect on one that is done.
  absl::Status Pause(int32_t partition);
  absl::Status Resume(int32_t partition);

 private:
  SpanReader(std::unique_ptr<Consumer> consumer, std::string topic, ConnectionWatch watch)
      : consumer_(std::move(consumer)), topic_(std::move(topic)), watch_(std::move(watch)) {}

  // Whether the record belongs to the span; notes ends that are reached.
  bool Take(const ConsumedRecord& record);
  void Finish(int32_t partition);
  void Fail(int32_t partition, const absl::Status& cause);
  // Goes on behind what cannot be read. False when that cannot be found.
  bool Skip(int32_t partition, const absl::Status& cause);
  std::optional<Offset> ResumeOffset(Offset position, const absl::Status& cause);
  // Ends that no record shows: offsets without a record, a time that has passed.
  void LookForEnds();

  std::unique_ptr<Consumer> consumer_;
  const std::string topic_;
  ConnectionWatch watch_;
  std::map<int32_t, PartitionSpan> parts_;  // those that are not done
  std::vector<GoneRange> gone_;
  int blind_steps_ = 0;  // since the last record or the last gap whose end was known
  std::vector<absl::Status> failures_;
};

// Prints all but the first of the failures; gives the first. OK when there are none.
absl::Status ReportFailures(const std::vector<absl::Status>& failures);

}  // namespace leat
