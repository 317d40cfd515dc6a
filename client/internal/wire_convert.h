#pragma once

#include "client/admin.h"
#include "client/record.h"
#include "client/server_description.h"
#include "protocol/wire/leat.pb.h"

// From the messages of the protocol to the plain structs of the public headers, and back.

namespace leat {

wire::AckLevel ToWire(Acks acks);
Acks FromWire(wire::AckLevel level);

TopicSummary FromWire(const wire::TopicMetadata& topic);
TopicDescription FromWire(const wire::DescribeTopicResponse& response);
ServerDescription FromWire(const wire::ServerInfoResponse& response);

}  // namespace leat
