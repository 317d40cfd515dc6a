#pragma once

#include <cstddef>

#include "protocol/wire/frame.h"
#include "protocol/wire/leat.pb.h"
#include "storage/log_store.h"

namespace leat {

// A page of a list ends behind the entry that passes this, whatever the client asked for: one more entry and
// what stands beside the list fit into the header of a frame.
inline constexpr size_t kPageBytes = kHeaderBytesMax / 2;

void FillTopic(const Topic& topic, wire::TopicMetadata* out);

// Everything about a topic: every setting, and the partitions that `request` asks for.
void FillDescription(const Topic& topic, const wire::DescribeTopicRequest& request,
                     wire::DescribeTopicResponse* out);

}  // namespace leat
