// Any bytes as the index files of a sound segment: they are repaired, and no lookup is ever misled.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "protocol/record/batch_builder.h"
#include "storage/log/file_names.h"
#include "storage/log/file_pool.h"
#include "storage/log/index_check.h"
#include "storage/log/segment_reader.h"
#include "tests/support/memory_file_system.h"

namespace leat {
namespace {

constexpr Offset kBase = 1000;
constexpr int kBatches = 60;
constexpr int64_t kTime = 1'700'000'000'000;
constexpr int64_t kInterval = 150;
constexpr char kDir[] = "/p";

void Require(bool condition) {
  if (!condition) std::abort();
}

struct Log {
  std::string bytes;
  std::vector<uint64_t> positions;
};

// One record in each batch, one millisecond after the other.
const Log& TheLog() {
  static const Log* log = [] {
    auto* made = new Log;
    for (int i = 0; i < kBatches; ++i) {
      BatchBuilder builder;
      builder.Add(kTime + i, std::nullopt, "v");
      std::string batch = *builder.Finish();
      StampBatch(absl::MakeSpan(batch), kBase + i, 0);
      made->positions.push_back(made->bytes.size());
      made->bytes += batch;
    }
    return made;
  }();
  return *log;
}

void Put(FileSystem& fs, const std::string& path, absl::string_view bytes) {
  absl::StatusOr<std::unique_ptr<File>> file = fs.Open(path, OpenMode::kCreateNew);
  Require(file.ok() && (*file)->WriteAt(0, absl::MakeConstSpan(&bytes, 1)).ok());
}

void CheckLookups(FileSystem& fs, FilePool& pool, const SegmentSnapshot& segment) {
  SegmentReader reader(fs, segment);
  Require(reader.Open().ok());
  for (int i = 0; i < kBatches; i += 7) {
    absl::StatusOr<ScannedBatch> batch = reader.FindBatch(kBase + i);
    Require(batch.ok() && batch->position == TheLog().positions[static_cast<size_t>(i)]);
    absl::StatusOr<std::optional<TimestampedOffset>> found = reader.FindTimestamp(kTime + i, kBase);
    Require(found.ok() && found->has_value() && (*found)->offset == kBase + i);
    absl::StatusOr<SegmentReader::End> end = reader.FindEnd(batch->position, 500);
    Require(end.ok() && end->position > batch->position);
  }
  Require(pool.open_files() <= 4);
}

void Run(const uint8_t* data, size_t size) {
  const absl::string_view files(reinterpret_cast<const char*>(data) + 2, size - 2);
  const size_t first = std::min<size_t>(files.size(), size_t{data[1]} * 4);
  MemoryFileSystem fs;
  Require(fs.CreateDir(kDir).ok());
  Put(fs, SegmentPath(kDir, kBase, kLogSuffix), TheLog().bytes);
  Put(fs, SegmentPath(kDir, kBase, kIndexSuffix), files.substr(0, first));
  Put(fs, SegmentPath(kDir, kBase, kTimeIndexSuffix), files.substr(first));

  const uint64_t bytes = TheLog().bytes.size();
  IndexCheckInput input;
  input.dir = kDir;
  input.base = kBase;
  input.bytes = input.trusted = bytes;
  input.complete = (data[0] & 1) != 0;
  input.interval_bytes = kInterval;
  FilePool pool(fs, 4);
  auto file = std::make_shared<SegmentFile>(pool, SegmentPath(kDir, kBase, kLogSuffix), kBase);
  absl::StatusOr<std::shared_ptr<File>> log = file->Open();
  Require(log.ok());
  CheckedIndex checked = CheckIndex(fs, **log, input);
  Require(!checked.damage && checked.good_bytes == bytes && checked.good_next == kBase + kBatches);
  FiledIndex filed;
  SettleIndex(fs, input, "p-0", checked, filed);
  auto index = std::make_shared<SegmentIndex>(kDir, kBase, filed, checked.builder);
  CheckLookups(fs, pool, {file, index, bytes, kBase + kBatches});
  Require(index->Rebuild(fs, **log, bytes, kInterval).ok());
  CheckLookups(fs, pool, {file, index, bytes, kBase + kBatches});
}

}  // namespace
}  // namespace leat

// The first byte: whether the files must be complete; the second: how long the first file is.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size >= 2) leat::Run(data, size);
  return 0;
}
