#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/support/seeded_random.h"

namespace leat {

// Bytes of one file of a MemoryFileSystem: what the process sees, what the device holds, and the operations
// in between that no sync has covered. Guarded by the file system's lock.
class MemoryFileData {
 public:
  const std::string& content() const { return content_; }
  uint64_t size() const { return content_.size(); }
  // Bytes of the disk that this file occupies.
  uint64_t allocated() const { return reserved_ > content_.size() ? reserved_ : content_.size(); }

  // `sequence` orders the operations of the whole file system.
  void Write(uint64_t sequence, uint64_t offset, absl::string_view bytes);
  void Truncate(uint64_t sequence, uint64_t size);
  void Reserve(uint64_t size);

  void Sync();
  // A sync that reported an error: the unsynced bytes can still be read, but no later sync writes them.
  void FailSync();
  // Reads return what the device holds, overlaid with what is still going to be written.
  void DropCache();

  // Adds the sequence numbers of what is not synced.
  void ListUnsynced(std::vector<uint64_t>& sequences) const;

  // Power losses. Afterwards content and device are the same and nothing is unsynced.
  void LoseUnsynced();
  // What came before operation `torn` survives, and a random prefix of that one if it is a write.
  void KeepPrefix(uint64_t torn, SeededRandom& random);
  // Each 512-byte sector of each write survives with `survival` or not, in any of the versions it had, torn
  // at any byte; the size is any of those the file had.
  void KeepSubset(double survival, SeededRandom& random);

 private:
  enum class Kind { kWrite, kTruncate, kGrow };
  struct Operation {
    uint64_t sequence;
    Kind kind;
    uint64_t offset;  // or the size, for kTruncate and kGrow (which never shrinks)
    std::string bytes;
  };

  static void Apply(const Operation& operation, std::string& image);
  void Settle();  // the device's bytes become the content

  std::string content_;
  std::string device_;
  std::vector<Operation> unsynced_;
  uint64_t reserved_ = 0;
};

}  // namespace leat
