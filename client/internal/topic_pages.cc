#include "client/internal/topic_pages.h"

#include <iterator>
#include <utility>

#include "client/internal/caller.h"
#include "client/internal/wire_convert.h"
#include "protocol/record/error.h"
#include "protocol/wire/error_map.h"

namespace leat {
namespace {

// The broker gives fewer when they do not fit a reply.
constexpr uint32_t kTopicsPerPage = 2000;
constexpr uint32_t kPartitionsPerPage = 4000;

absl::Status WrongReply() {
  return MakeError(ErrorCode::kUnknown, "the broker's reply does not fit the request");
}

// A list for Pages below: Add takes a reply, says whether there is more, and makes the request ask for that.
struct TopicList {
  using Result = std::vector<TopicSummary>;

  absl::StatusOr<bool> Add(const wire::ResponseHeader& reply, wire::RequestHeader* request) {
    if (!reply.has_metadata()) return WrongReply();
    const wire::MetadataResponse& page = reply.metadata();
    for (const wire::TopicMetadata& topic : page.topics()) {
      if (topic.error().code() == 0) result.push_back(FromWire(topic));
    }
    if (!page.more()) return false;
    std::string* after = request->mutable_metadata()->mutable_after_topic();
    if (page.topics().empty() || page.topics().rbegin()->name() <= *after) return WrongReply();
    *after = page.topics().rbegin()->name();
    return true;
  }

  Result result;
};

struct Description {
  using Result = TopicDescription;

  absl::StatusOr<bool> Add(const wire::ResponseHeader& reply, wire::RequestHeader* request) {
    if (!reply.has_describe_topic()) return WrongReply();
    const wire::DescribeTopicResponse& response = reply.describe_topic();
    if (absl::Status error = FromWire(response.topic().error()); !error.ok()) return error;
    TopicDescription page = FromWire(response);
    const bool first = result.partitions.empty();
    if (!first && page.topic.topic_id != result.topic.topic_id) {
      return MakeError(ErrorCode::kUnknownTopic, "the topic was deleted while it was asked for");
    }
    const bool empty = page.partitions.empty();
    page.partitions.insert(page.partitions.begin(), std::make_move_iterator(result.partitions.begin()),
                           std::make_move_iterator(result.partitions.end()));
    result = std::move(page);
    const size_t known = result.partitions.size();
    if (known >= result.topic.partitions) return false;
    if (empty) return WrongReply();
    request->mutable_describe_topic()->set_first_partition(static_cast<uint32_t>(known));
    return true;
  }

  Result result;
};

// Asks for one page after the other until there are no more.
template <typename List>
class Pages : public std::enable_shared_from_this<Pages<List>> {
 public:
  using Result = absl::StatusOr<typename List::Result>;

  Pages(const std::shared_ptr<ClientCore>& core, wire::RequestHeader request)
      : core_(core),
        deadline_(After(MonotonicNow(), core->options().operation_timeout)),
        request_(std::move(request)) {}

  Future<Result> Start() {
    Future<Result> future = promise_.GetFuture();
    Next(core_.lock());
    return future;
  }

 private:
  void Next(std::shared_ptr<ClientCore> core) {
    if (core == nullptr) return promise_.Set(ClientClosedError());
    CallWithRetry(std::move(core), request_, deadline_,
                  [self = this->shared_from_this()](CallReply reply) { self->OnPage(reply); });
  }

  void OnPage(const CallReply& reply) {
    if (!reply.header.ok()) return promise_.Set(reply.header.status());
    const absl::StatusOr<bool> more = list_.Add(**reply.header, &request_);
    if (!more.ok()) return promise_.Set(more.status());
    if (!*more) return promise_.Set(std::move(list_.result));
    Next(core_.lock());
  }

  const std::weak_ptr<ClientCore> core_;
  const MonotonicTime deadline_;
  wire::RequestHeader request_;
  List list_;
  Promise<Result> promise_;
};

}  // namespace

Future<absl::StatusOr<std::vector<TopicSummary>>> ListTopicPages(const std::shared_ptr<ClientCore>& core,
                                                                 bool include_internal) {
  wire::RequestHeader request;
  request.mutable_metadata()->set_include_internal(include_internal);
  request.mutable_metadata()->set_max_topics(kTopicsPerPage);
  return std::make_shared<Pages<TopicList>>(core, std::move(request))->Start();
}

Future<absl::StatusOr<TopicDescription>> DescribeTopicPages(const std::shared_ptr<ClientCore>& core,
                                                            std::string name) {
  wire::RequestHeader request;
  request.mutable_describe_topic()->set_name(std::move(name));
  request.mutable_describe_topic()->set_max_partitions(kPartitionsPerPage);
  return std::make_shared<Pages<Description>>(core, std::move(request))->Start();
}

}  // namespace leat
