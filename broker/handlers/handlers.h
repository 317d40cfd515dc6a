#pragma once

namespace leat {

struct Request;

// The handlers of request_table.cc. Written against Executor, Clock, LogStore and Responder only.
void HandleHello(Request& request);
void HandleMetadata(Request& request);
void HandleCreateTopic(Request& request);
void HandleDeleteTopic(Request& request);
void HandleDescribeTopic(Request& request);
void HandleAlterTopic(Request& request);
void HandleProduce(Request& request);
void HandleFetch(Request& request);
void HandleListOffsets(Request& request);
void HandleServerInfo(Request& request);

}  // namespace leat
