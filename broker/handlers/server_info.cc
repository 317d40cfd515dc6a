#include "broker/broker.h"
#include "broker/handlers/handlers.h"
#include "broker/request_table.h"
#include "broker/version.h"
#include "protocol/wire/frame.h"

namespace leat {
namespace {

uint64_t Micros(absl::Duration duration) {
  return static_cast<uint64_t>(absl::ToInt64Microseconds(duration));
}

void FillDurability(const StoreStats& stats, wire::Durability* out) {
  out->set_syncs(stats.commit_groups);
  out->set_sync_p50_us(Micros(stats.sync.p50));
  out->set_sync_p99_us(Micros(stats.sync.p99));
  out->set_sync_max_us(Micros(stats.sync.max));
  out->set_group_p50(stats.group_partitions_p50);
  out->set_disk_free_bytes(stats.disk_free_bytes);
}

void FillRecovery(const RecoveryReport& report, wire::RecoverySummary* out) {
  out->set_clean(report.clean);
  out->set_partitions(report.partitions);
  out->set_batches_scanned(report.batches_scanned);
  out->set_bytes_scanned(report.bytes_scanned);
  out->set_bytes_cut(report.bytes_cut);
  out->set_bytes_refilled(report.bytes_refilled);
  out->set_indexes_rebuilt(report.indexes_rebuilt);
  out->set_partitions_fenced(report.partitions_fenced);
  out->set_partitions_damaged(report.partitions_damaged);
  out->set_duration_ms(static_cast<uint64_t>(absl::ToInt64Milliseconds(report.duration)));
  for (const std::string& note : report.notes) out->add_notes(note);
}

void FillMetrics(Broker& broker, wire::ServerInfoResponse* out) {
  for (MetricValue& value : broker.CollectMetrics()) {
    wire::Metric* metric = out->add_metrics();
    metric->set_name(std::move(value.name));
    metric->set_kind(std::string(value.kind));
    metric->set_unit(std::string(value.unit));
    metric->set_doc(std::move(value.doc));
    metric->set_value(value.value);
  }
}

void FillSettings(const Config& config, wire::ServerInfoResponse* out) {
  const Config defaults;
  for (const SettingInfo& info : ConfigSettings()) {
    wire::TopicSetting* setting = out->add_settings();
    setting->set_name(info.name);
    setting->set_value(GetConfig(config, info.name));
    setting->set_is_default(GetConfig(config, info.name) == GetConfig(defaults, info.name));
    setting->set_type(info.type);
    setting->set_doc(info.doc);
  }
}

}  // namespace

void HandleServerInfo(Request& request) {
  const wire::ServerInfoRequest& info = request.header.server_info();
  Broker& broker = request.responder.broker();
  LogStore& store = broker.store();
  wire::ResponseHeader reply;
  wire::ServerInfoResponse& body = *reply.mutable_server_info();
  body.set_server_version(std::string(Version()));
  body.set_protocol_version_min(kProtocolVersionMin);
  body.set_protocol_version_max(kProtocolVersionMax);
  body.set_uptime_ms(static_cast<uint64_t>(absl::ToInt64Milliseconds(broker.uptime())));
  body.set_data_id(store.data_id());
  body.set_data_dir(broker.config().data_dir);
  FillLimits(broker.config(), body.mutable_limits());
  FillDurability(store.stats(), body.mutable_durability());
  FillRecovery(store.recovery(), body.mutable_recovery());
  uint64_t topics = 0;
  uint64_t partitions = 0;
  for (const TopicPtr& topic : store.Topics()) {
    if (topic->internal()) continue;
    ++topics;
    partitions += topic->partitions.size();
  }
  body.set_topics(topics);
  body.set_partitions(partitions);
  body.set_connections(static_cast<uint64_t>(broker.metrics().connections_open.value()));
  if (info.include_metrics()) FillMetrics(broker, &body);
  if (info.include_settings()) FillSettings(broker.config(), &body);
  request.responder.Send(reply);
}

}  // namespace leat
