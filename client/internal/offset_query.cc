#include "client/internal/offset_query.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/types/span.h"
#include "client/internal/caller.h"
#include "protocol/record/error.h"
#include "protocol/wire/error_map.h"

namespace leat {
namespace {

// Within the header's limit of 1 MiB, whatever the names.
constexpr size_t kQuestionsPerRequest = 1024;

wire::OffsetQuery::Position PositionOf(OffsetQuestion::Kind kind) {
  switch (kind) {
    case OffsetQuestion::Kind::kStart:
      return wire::OffsetQuery::START;
    case OffsetQuestion::Kind::kEnd:
      return wire::OffsetQuery::END;
    case OffsetQuestion::Kind::kDurable:
      return wire::OffsetQuery::DURABLE;
    case OffsetQuestion::Kind::kTime:
      break;
  }
  return wire::OffsetQuery::TIMESTAMP;
}

absl::StatusOr<OffsetReplies> ReadReplies(const CallReply& reply, size_t asked) {
  if (!reply.header.ok()) return reply.header.status();
  const wire::ListOffsetsResponse& response = (*reply.header)->list_offsets();
  if (static_cast<size_t>(response.answers_size()) != asked) {
    return MakeError(ErrorCode::kUnknown, "the broker's reply does not fit the request");
  }
  OffsetReplies replies;
  for (const wire::OffsetAnswer& answer : response.answers()) {
    if (absl::Status error = FromWire(answer.error()); !error.ok()) {
      replies.emplace_back(std::move(error));
    } else {
      replies.emplace_back(OffsetReply{answer.offset(), answer.timestamp_ms()});
    }
  }
  return replies;
}

// Answers to one question after the other, from as many requests as they take.
struct Answers {
  explicit Answers(size_t count) : replies(count, MakeError(ErrorCode::kUnknown, "not answered")) {}
  // The last request that is answered lets go of it.
  ~Answers() {
    if (error.ok()) {
      promise.Set(std::move(replies));
    } else {
      promise.Set(error);
    }
  }

  OffsetReplies replies;
  absl::Status error;  // of a whole request
  Promise<absl::StatusOr<OffsetReplies>> promise;
};

wire::RequestHeader RequestOf(absl::Span<const OffsetQuestion> questions) {
  wire::RequestHeader request;
  for (const OffsetQuestion& question : questions) {
    wire::OffsetQuery* query = request.mutable_list_offsets()->add_queries();
    query->set_topic(question.partition.topic);
    query->set_partition(static_cast<uint32_t>(question.partition.partition));
    query->set_position(PositionOf(question.kind));
    query->set_timestamp_ms(question.timestamp_ms);
  }
  return request;
}

// On the io thread.
void Ask(const std::shared_ptr<ClientCore>& core, const std::vector<OffsetQuestion>& questions,
         MonotonicTime deadline, const std::shared_ptr<Answers>& answers) {
  const size_t limit = core->link().limits().partitions_per_request_max();
  const size_t step = limit == 0 ? kQuestionsPerRequest : std::min(limit, kQuestionsPerRequest);
  for (size_t at = 0; at < questions.size(); at += step) {
    const auto part = absl::MakeConstSpan(questions).subspan(at, step);
    CallWithRetry(core, RequestOf(part), deadline, [answers, at, asked = part.size()](CallReply reply) {
      absl::StatusOr<OffsetReplies> replies = ReadReplies(reply, asked);
      if (!replies.ok()) {
        answers->error = replies.status();
      } else {
        std::move(replies->begin(), replies->end(),
                  answers->replies.begin() + static_cast<std::ptrdiff_t>(at));
      }
    });
  }
}

}  // namespace

Future<absl::StatusOr<OffsetReplies>> AskOffsets(const std::shared_ptr<ClientCore>& core,
                                                 std::vector<OffsetQuestion> questions) {
  auto answers = std::make_shared<Answers>(questions.size());
  Future<absl::StatusOr<OffsetReplies>> future = answers->promise.GetFuture();
  const MonotonicTime deadline = After(MonotonicNow(), core->options().operation_timeout);
  const bool open = core->Post([core, questions = std::move(questions), deadline, answers] {
    if (core->link().ready()) return Ask(core, questions, deadline, answers);
    // The limits come with the connection.
    core->link().WhenReady([core, questions, deadline, answers](const absl::Status&) {
      Ask(core, questions, deadline, answers);
    });
  });
  if (!open) answers->error = ClientClosedError();
  return future;
}

}  // namespace leat
