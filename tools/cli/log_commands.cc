#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "storage/meta/layout.h"
#include "tools/cli/commands.h"
#include "tools/cli/exit_code.h"
#include "tools/cli/json.h"
#include "tools/cli/log_dump.h"
#include "tools/cli/log_verify.h"
#include "tools/cli/quantity.h"
#include "tools/cli/terminal.h"

namespace leat {
namespace {

struct DumpOptions {
  std::string path;
  bool records = false;
  std::string output;
};

struct VerifyOptions {
  std::string path;
  bool quiet = false;
  std::string output;
};

// The path without links and dots, by which the directory it belongs to can be told; as it is when there is
// nothing.
std::string CanonicalPath(const std::string& path) {
  std::error_code error;
  const std::filesystem::path canonical = std::filesystem::canonical(path, error);
  return error ? path : canonical.string();
}

// The data directory that `path` is in or is; empty when there is none around it.
std::string EnclosingDataDirectory(FileSystem& fs, const std::string& path) {
  std::string dir = path;
  for (int up = 0; up < 4; ++up) {
    const absl::StatusOr<bool> format = fs.Exists(absl::StrCat(dir, "/", kFormatFileName));
    if (format.ok() && *format) return dir;
    dir = ParentOf(dir);
  }
  return "";
}

// Holds the daemon's lock, so that no daemon changes the files meanwhile. Null where there is none to take,
// or where this user may not take it.
absl::StatusOr<std::unique_ptr<FileLock>> LockIfThere(FileSystem& fs, const std::string& path) {
  const std::string root = EnclosingDataDirectory(fs, path);
  if (root.empty()) return std::unique_ptr<FileLock>();
  const std::string lock_path = StorePaths(root).lock;
  const absl::StatusOr<bool> exists = fs.Exists(lock_path);
  if (!exists.ok() || !*exists) return std::unique_ptr<FileLock>();
  absl::StatusOr<std::unique_ptr<FileLock>> lock = fs.Lock(lock_path);
  if (!lock.ok() && CodeOf(lock.status()) != ErrorCode::kDirectoryLocked) return std::unique_ptr<FileLock>();
  return lock;
}

absl::Status DumpLog(CommandLine* line, const DumpOptions& options) {
  FileSystem& fs = PosixFileSystem();
  const std::string path = CanonicalPath(options.path);
  if (!LockIfThere(fs, path).ok()) {
    PrintNote("leat: a daemon is using this directory: what it is writing right now may look like damage");
  }
  LogPrinter printer(ParseOutputFormat(options.output) == OutputFormat::kJson, &line->out);
  LogDump dump(fs, options.records, &printer);
  absl::Status status = dump.Dump(path);
  if (!status.ok()) return status;
  return dump.found_problems() ? AlreadyReported() : absl::OkStatus();
}

void PrintFinding(const LogFinding& finding, bool json, Output* out) {
  const bool error = finding.severity == LogFinding::Severity::kError;
  if (json) {
    Json object = {{"type", "finding"},
                   {"severity", error ? "error" : "warning"},
                   {"kind", finding.kind},
                   {"path", finding.path}};
    if (finding.position >= 0) object["position"] = finding.position;
    object["text"] = finding.text;
    return out->Write(Dump(object) + "\n");
  }
  const std::string place =
      finding.position >= 0 ? absl::StrCat(finding.path, " at position ", finding.position) : finding.path;
  out->Write(
      absl::StrCat(error ? "ERROR " : "warning ", finding.kind, ": ", place, ": ", finding.text, "\n"));
}

void PrintVerdict(const LogVerdict& verdict, size_t errors, bool json, Output* out) {
  const size_t warnings = verdict.findings.size() - errors;
  if (json) {
    return out->Write(Dump({{"type", "summary"},
                            {"partitions", verdict.partitions},
                            {"segments", verdict.segments},
                            {"batches", verdict.batches},
                            {"records", verdict.records},
                            {"bytes", verdict.bytes},
                            {"errors", errors},
                            {"warnings", warnings}}) +
                      "\n");
  }
  const std::string found = errors == 0 ? std::string("all sound") : Count(errors, "error");
  out->Write(absl::StrCat(Count(verdict.partitions, "partition"), ", ", Count(verdict.segments, "segment"),
                          ", ", verdict.batches, verdict.batches == 1 ? " batch, " : " batches, ",
                          Count(verdict.records, "record"), ", ", FormatBytes(verdict.bytes), ": ", found,
                          warnings == 0 ? std::string() : absl::StrCat(", ", Count(warnings, "warning")),
                          "\n"));
}

absl::Status VerifyLog(CommandLine* line, const VerifyOptions& options) {
  FileSystem& fs = PosixFileSystem();
  const std::string path = CanonicalPath(options.path);
  const absl::StatusOr<std::unique_ptr<FileLock>> lock = LockIfThere(fs, path);
  if (!lock.ok()) {
    return WithMessage(lock.status(),
                       absl::StrCat("a daemon is using ", options.path,
                                    ": its files change while they are checked. Stop leatd first (",
                                    lock.status().message(), ")"));
  }
  ProgressLine progress(!options.quiet);
  LogVerifier verifier(fs, [&progress](const std::string& dir) {
    if (progress.Due()) progress.Show(absl::StrCat("checking ", dir));
  });
  const absl::StatusOr<LogVerdict> verdict = verifier.Verify(path);
  progress.Clear();
  if (!verdict.ok()) return verdict.status();
  const bool json = ParseOutputFormat(options.output) == OutputFormat::kJson;
  size_t errors = 0;
  for (const LogFinding& finding : verdict->findings) {
    if (finding.severity == LogFinding::Severity::kError) ++errors;
    PrintFinding(finding, json, &line->out);
  }
  if (json || !options.quiet) PrintVerdict(*verdict, errors, json, &line->out);
  return errors == 0 ? absl::OkStatus() : AlreadyReported();
}

}  // namespace

void AddLogCommands(CommandLine* line) {
  CLI::App* const log = line->app.add_subcommand("log", "Looks into the files of a stopped daemon.");
  log->require_subcommand(1);

  CLI::App* const dump = log->add_subcommand("dump", "Shows what files hold, batch by batch.");
  auto dump_options = std::make_shared<DumpOptions>();
  dump->add_option("PATH", dump_options->path,
                   "a data directory, a partition's directory, or a .log, .index, .timeindex, checkpoint or "
                   "format file")
      ->required();
  dump->add_flag("--records", dump_options->records, "the records of each batch too");
  AddOutputOption(dump, &dump_options->output, {"table", "json"});
  dump->callback(
      [line, dump_options] { line->run = [line, dump_options] { return DumpLog(line, *dump_options); }; });

  CLI::App* const verify = log->add_subcommand(
      "verify", "Checks every batch, record, index and the checkpoint; exit code 1 when something is wrong.");
  auto verify_options = std::make_shared<VerifyOptions>();
  verify->add_option("DIR", verify_options->path, "a data directory or a partition's directory")->required();
  verify->add_flag("-q,--quiet", verify_options->quiet, "only what is wrong");
  AddOutputOption(verify, &verify_options->output, {"table", "json"});
  verify->callback([line, verify_options] {
    line->run = [line, verify_options] { return VerifyLog(line, *verify_options); };
  });
}

}  // namespace leat
