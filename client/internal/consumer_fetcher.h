#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/internal/client_core.h"
#include "client/internal/consumer_core.h"
#include "client/internal/link.h"
#include "client/internal/offset_query.h"

namespace leat {

// The io side of a consumer: looks up positions and keeps one long poll open for all partitions that have
// room. A partition that gets room while a poll is open goes into another one, so that it need not wait for
// the first. Everything on the io thread.
class ConsumerFetcher {
 public:
  ConsumerFetcher(ClientCore& client, ConsumerCore& consumer) : client_(client), consumer_(consumer) {}

  // Asks for whatever is missing and fits.
  void Turn();
  void Stop();

 private:
  // A partition as it was when it was asked for.
  struct Asked {
    TopicPartition id;
    uint64_t generation = 0;
    std::shared_ptr<const std::string> topic;
    Offset offset = 0;
    bool at_boundary = false;
  };
  struct Fetch {
    std::vector<Asked> partitions;
    size_t bytes = 0;  // reserved for the reply
    MonotonicTime sent_at{};
  };
  using Tokens = ConsumerCore::Tokens;

  void AwaitConnection();
  void SetTimer(MonotonicTime when);
  void LookUp();
  void OnOffsets(const std::vector<Asked>& asked, const absl::StatusOr<OffsetReplies>& replies);
  void OnOffset(const Asked& asked, const absl::StatusOr<OffsetReply>& reply, Tokens& dropped)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(consumer_.mutex_);

  bool SendFetch();
  Fetch ChoosePartitions();
  bool HasRoom(const ConsumerPartition& partition) const;
  wire::RequestHeader FetchHeader(const Fetch& fetch) const;
  void OnFetched(const Fetch& fetch, absl::StatusOr<LinkReply> reply);
  void OnFetchFailed(const Fetch& fetch, const absl::Status& error);
  void OnResult(const Asked& asked, const wire::FetchResult& result, absl::string_view bytes,
                Tokens& dropped);
  void OnPartitionError(const Asked& asked, const absl::Status& error, Tokens& dropped)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(consumer_.mutex_);
  void Delay(ConsumerPartition& partition);

  ClientCore& client_;
  ConsumerCore& consumer_;
  size_t reserved_bytes_ = 0;
  uint64_t replies_ = 0;
  int failures_ = 0;            // of whole requests, in a row
  MonotonicTime not_before_{};  // of the next fetch
  bool awaiting_ = false;
  bool in_turn_ = false;
  bool stopped_ = false;
  TimerQueue::Id timer_;
};

}  // namespace leat
