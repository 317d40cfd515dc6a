#include "broker/request_table.h"

#include "broker/handlers/handlers.h"

namespace leat {
namespace {

constexpr RequestRow kRows[] = {
    {RequestKind::kHello, "hello", HandleHello, false},
    {RequestKind::kMetadata, "metadata", HandleMetadata, false},
    {RequestKind::kCreateTopic, "create_topic", HandleCreateTopic, false},
    {RequestKind::kDeleteTopic, "delete_topic", HandleDeleteTopic, false},
    {RequestKind::kDescribeTopic, "describe_topic", HandleDescribeTopic, false},
    {RequestKind::kAlterTopic, "alter_topic", HandleAlterTopic, false},
    {RequestKind::kProduce, "produce", HandleProduce, true},
    {RequestKind::kFetch, "fetch", HandleFetch, false},
    {RequestKind::kListOffsets, "list_offsets", HandleListOffsets, false},
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
