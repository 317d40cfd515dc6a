#include "tools/cli/explain.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "tools/cli/exit_code.h"
#include "tools/cli/nearest_name.h"

namespace leat {
namespace {

constexpr size_t kNamesShown = 10;

}  // namespace

std::string UnknownTopicAdvice(absl::string_view topic, const std::vector<std::string>& existing) {
  if (existing.empty()) {
    return absl::StrCat("there are no topics yet: create it with 'leat topic create ", topic, "'");
  }
  const std::string nearest = NearestName(topic, existing);
  const std::string all = absl::StrCat("topics are: ", JoinNames(existing, kNamesShown));
  return nearest.empty() ? all : absl::StrCat("did you mean '", nearest, "'? ", all);
}

absl::Status ExplainTopicError(const Admin& admin, const std::string& topic, const absl::Status& status) {
  const ErrorCode code = CodeOf(status);
  if (code == ErrorCode::kUnknownPartition) {
    return WithMessage(status, absl::StrCat(status.message(), "; 'leat topic alter ", topic,
                                            " --partitions N' adds partitions"));
  }
  if (code == ErrorCode::kTimedOut) {
    return WithMessage(status, absl::StrCat(status.message(), "; --timeout gives the daemon longer"));
  }
  if (code != ErrorCode::kUnknownTopic) return status;
  const absl::StatusOr<std::vector<TopicSummary>> topics =
      admin.ListTopics(absl::StartsWith(topic, "__")).Get();
  if (!topics.ok()) return status;
  std::vector<std::string> names;
  for (const TopicSummary& existing : *topics) names.push_back(existing.name);
  return MakeError(ErrorCode::kUnknownTopic,
                   absl::StrCat("there is no topic '", topic, "'; ", UnknownTopicAdvice(topic, names)));
}

}  // namespace leat
