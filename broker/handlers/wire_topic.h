#pragma once

#include "protocol/wire/leat.pb.h"
#include "storage/log_store.h"

namespace leat {

void FillTopic(const Topic& topic, wire::TopicMetadata* out);

// Everything about a topic: every setting, every partition.
void FillDescription(const Topic& topic, wire::DescribeTopicResponse* out);

}  // namespace leat
