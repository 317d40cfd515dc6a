#include "tools/cli/delivery_queue.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/cli/json.h"
#include "tools/cli/quantity.h"

namespace leat {
namespace {

constexpr size_t kChunkItems = 512;
// A few dozen bytes each; the producer bounds the records themselves.
constexpr size_t kUnderWayMax = 1 << 20;

void AppendReport(const DeliveryReport& report, std::string* out) {
  const Json json = {{"topic", report.topic},
                     {"partition", report.partition},
                     {"offset", report.offset},
                     {"timestamp_ms", report.timestamp_ms},
                     {"level", ToStdString(AcksName(report.level))},
                     {"provisional", report.provisional}};
  out->append(Dump(json));
  out->push_back('\n');
}

}  // namespace

DeliveryQueue::DeliveryQueue(Output* report_to)
    : report_to_(report_to), runtime_(NewThreadRuntime()), executor_(runtime_->NewExecutor("reports")) {}

DeliveryQueue::~DeliveryQueue() { executor_->Stop(); }

void DeliveryQueue::SetSource(std::string name) {
  Dispatch();
  source_ = std::move(name);
}

void DeliveryQueue::Add(Future<Producer::Delivery> delivery, uint64_t line, size_t bytes) {
  gathered_.push_back({std::move(delivery), line, bytes});
  if (gathered_.size() >= kChunkItems) Dispatch();
}

void DeliveryQueue::Dispatch() {
  if (gathered_.empty()) return;
  {
    MutexLock lock(mutex_);
    while (under_way_ >= kUnderWayMax) settled_.Wait(mutex_);
    under_way_ += gathered_.size();
  }
  Chunk chunk = {source_, std::exchange(gathered_, {})};
  gathered_.reserve(kChunkItems);
  executor_->Post([this, chunk = std::move(chunk)]() mutable { Await(std::move(chunk)); });
}

void DeliveryQueue::Await(Chunk chunk) {
  for (Item& item : chunk.items) {
    if (!item.delivery.ready() && report_to_ != nullptr) report_to_->Flush();
    const Producer::Delivery delivery = item.delivery.Get();
    Settle(chunk, item, delivery);
  }
  if (report_to_ != nullptr) report_to_->Flush();
  MutexLock lock(mutex_);
  under_way_ -= chunk.items.size();
  settled_.NotifyAll();
}

void DeliveryQueue::Settle(const Chunk& chunk, const Item& item, const Producer::Delivery& delivery) {
  if (delivery.ok()) {
    ++totals_.acknowledged;
    totals_.bytes += item.bytes;
    if (totals_.failed > 0) ++totals_.acknowledged_behind;
    acknowledged_.store(totals_.acknowledged, std::memory_order_relaxed);
    if (report_to_ != nullptr) AppendReport(*delivery, report_to_->buffer());
    return;
  }
  if (totals_.failed++ == 0) {
    totals_.first_error = delivery.status();
    totals_.first_place = absl::StrCat(chunk.source, ":", item.line);
    failed_.store(true, std::memory_order_relaxed);
  }
}

DeliveryQueue::Totals DeliveryQueue::Finish() {
  Dispatch();
  MutexLock lock(mutex_);
  while (under_way_ > 0) settled_.Wait(mutex_);
  return totals_;
}

std::string DescribeTotals(const DeliveryQueue::Totals& totals) {
  const absl::string_view are = totals.acknowledged == 1 ? " is" : " are";
  return absl::StrCat(Count(totals.acknowledged, "record"), are, " acknowledged",
                      totals.acknowledged_behind > 0
                          ? absl::StrCat(" (", totals.acknowledged_behind, " of them behind the next)")
                          : std::string(),
                      ", ", totals.first_place, " is the first that is not");
}

}  // namespace leat
