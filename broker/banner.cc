#include "broker/banner.h"

#include "absl/strings/str_cat.h"
#include "broker/version.h"
#include "protocol/wire/tcp_transport.h"
#include "storage/meta/setting_text.h"

namespace leat {
namespace {

std::string Durability(const TopicConfig& defaults) {
  if (defaults.durability == TopicDurability::kDurable) {
    return "acknowledged records survive power loss (one fdatasync for many)";
  }
  return absl::StrCat("topics are \"written\" by default: a power loss may take the last ",
                      FormatMilliseconds(defaults.flush_ms));
}

std::string Recovery(const RecoveryReport& report) {
  if (report.fresh) return "a new data directory";
  std::string text =
      absl::StrCat(report.clean ? "clean start" : "the last stop was not clean; recovered", ", ",
                   report.partitions, report.partitions == 1 ? " partition" : " partitions", " in ",
                   FormatMilliseconds(absl::ToInt64Milliseconds(report.duration)));
  if (report.bytes_scanned > 0) {
    absl::StrAppend(&text, ", scanned ", report.batches_scanned, " batches (", report.bytes_scanned,
                    " bytes)");
  }
  if (report.bytes_refilled > 0) {
    absl::StrAppend(&text, ", refilled ", report.bytes_refilled, " bytes from the journal");
  }
  if (report.bytes_cut > 0) {
    absl::StrAppend(&text, ", cut ", report.bytes_cut, " bytes that were never acknowledged");
  }
  if (report.indexes_rebuilt > 0)
    absl::StrAppend(&text, ", rebuilt ", report.indexes_rebuilt, " index files");
  if (report.partitions_fenced > 0) {
    absl::StrAppend(&text, ", ", report.partitions_fenced, " partitions refuse writes until repaired");
  }
  if (report.partitions_damaged > 0) {
    absl::StrAppend(&text, ", ", report.partitions_damaged, " partitions have lost records");
  }
  return text;
}

// With a default port nothing needs to be said about the address.
std::string NextCommand(const std::string& address) {
  const bool usual =
      address == absl::StrCat("127.0.0.1:", kDefaultPort) || address == absl::StrCat("[::1]:", kDefaultPort);
  return absl::StrCat("leat ", usual ? "" : absl::StrCat("--address ", address, " "), "produce demo");
}

}  // namespace

std::vector<std::string> BannerLines(const Config& config, const std::string& address,
                                     const RecoveryReport& recovery) {
  return {
      absl::StrCat("leatd ", Version()),
      absl::StrCat("data directory: ", config.data_dir),
      absl::StrCat("listening on: ", address),
      absl::StrCat("durability: ", Durability(config.topic_defaults)),
      absl::StrCat("recovery: ", Recovery(recovery)),
      absl::StrCat("next: ", NextCommand(address)),
  };
}

}  // namespace leat
