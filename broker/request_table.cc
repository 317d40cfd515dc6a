#include "broker/request_table.h"

#include "broker/handlers/handlers.h"

namespace leat {
namespace {

int Topics(const wire::RequestHeader& header) { return header.metadata().topics_size(); }
int Batches(const wire::RequestHeader& header) { return header.produce().partitions_size(); }
int Positions(const wire::RequestHeader& header) { return header.fetch().partitions_size(); }
int Queries(const wire::RequestHeader& header) { return header.list_offsets().queries_size(); }

constexpr RequestRow kRows[] = {
    {RequestKind::kHello, "hello", HandleHello, false},
    {RequestKind::kMetadata, "metadata", HandleMetadata, false, Topics},
    {RequestKind::kCreateTopic, "create_topic", HandleCreateTopic, false},
    {RequestKind::kDeleteTopic, "delete_topic", HandleDeleteTopic, false},
    {RequestKind::kDescribeTopic, "describe_topic", HandleDescribeTopic, false},
    {RequestKind::kAlterTopic, "alter_topic", HandleAlterTopic, false},
    {RequestKind::kProduce, "produce", HandleProduce, true, Batches},
    {RequestKind::kFetch, "fetch", HandleFetch, false, Positions},
    {RequestKind::kListOffsets, "list_offsets", HandleListOffsets, false, Queries},
    {RequestKind::kServerInfo, "server_info", HandleServerInfo, false},
};

}  // namespace

absl::Span<const RequestRow> RequestTable() { return kRows; }

const RequestRow* FindRequest(RequestKind kind) {
  for (const RequestRow& row : kRows) {
    if (row.kind == kind) return &row;
  }
  return nullptr;
}

}  // namespace leat
