#include "bench/load/floors.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/load/random_bytes.h"
#include "bench/load/socket.h"
#include "bench/load/stopwatch.h"
#include "protocol/record/crc32c.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

constexpr size_t kChunk = 256 * 1024;

absl::Status SystemError(absl::string_view what) {
  return MakeError(ErrorCode::kStorageError, absl::StrCat(what, ": ", std::strerror(errno)));
}

// A file without a name: it is gone when the process ends, however it ends.
class ScratchFile {
 public:
  static absl::StatusOr<ScratchFile> Open(const std::string& directory) {
    ScratchFile file;
    std::string path = absl::StrCat(directory, "/leat-floor-XXXXXX");
    file.fd_ = mkostemp(path.data(), O_CLOEXEC);
    if (file.fd_ < 0) return SystemError(absl::StrCat("cannot create a file in ", directory));
    unlink(path.c_str());
    return file;
  }
  ScratchFile(ScratchFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ScratchFile& operator=(ScratchFile&&) = delete;
  ~ScratchFile() {
    if (fd_ >= 0) close(fd_);
  }
  int fd() const { return fd_; }

 private:
  ScratchFile() = default;
  int fd_ = -1;
};

absl::Status WriteFully(int fd, const std::string& bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t wrote = write(fd, bytes.data() + done, bytes.size() - done);
    if (wrote < 0 && errno != EINTR) return SystemError("write");
    if (wrote > 0) done += static_cast<size_t>(wrote);
  }
  return absl::OkStatus();
}

// Sends until `watch` has run for `duration`; the file, when there is one, again and again from its start.
absl::Status SendFor(Socket& socket, const Stopwatch& watch, absl::Duration duration, int file,
                     const std::string& chunk) {
  constexpr off_t kFileBytes = 64 * 1024 * 1024;
  off_t offset = 0;
  while (watch.Elapsed() < duration) {
    if (file < 0) {
      const absl::Status sent = socket.SendAll({chunk});
      if (!sent.ok()) return sent;
      continue;
    }
    if (offset >= kFileBytes) offset = 0;
    const size_t want = static_cast<size_t>(std::min<off_t>(1024 * 1024, kFileBytes - offset));
    if (sendfile(socket.fd(), file, &offset, want) < 0 && errno != EINTR) return SystemError("sendfile");
  }
  shutdown(socket.fd(), SHUT_WR);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<double> LoopbackBytesPerSecond(absl::Duration duration, bool use_sendfile,
                                              const std::string& directory) {
  const std::string chunk = RandomBytes(1, kChunk);
  absl::StatusOr<ScratchFile> file = ScratchFile::Open(directory);
  if (!file.ok()) return file.status();
  for (int i = 0; use_sendfile && i < 256; ++i) {
    const absl::Status written = WriteFully(file->fd(), chunk);
    if (!written.ok()) return written;
  }
  absl::StatusOr<ListeningSocket> listener = ListeningSocket::Open();
  if (!listener.ok()) return listener.status();
  absl::StatusOr<Socket> client = Socket::Connect("127.0.0.1", listener->port());
  if (!client.ok()) return client.status();
  absl::StatusOr<Socket> server = listener->Accept();
  if (!server.ok()) return server.status();

  const Stopwatch watch;
  absl::Status sent;
  std::thread sender(
      [&] { sent = SendFor(*server, watch, duration, use_sendfile ? file->fd() : -1, chunk); });
  std::vector<char> buffer(1024 * 1024);
  uint64_t received = 0;
  while (true) {
    const absl::StatusOr<size_t> got = client->ReceiveSome(absl::MakeSpan(buffer));
    if (!got.ok()) break;  // the sender is done
    received += *got;
  }
  const double seconds = watch.Seconds();
  sender.join();
  if (!sent.ok()) return sent;
  return static_cast<double>(received) / seconds;
}

absl::StatusOr<double> PageCacheWriteBytesPerSecond(absl::Duration duration, const std::string& directory) {
  const absl::StatusOr<ScratchFile> file = ScratchFile::Open(directory);
  if (!file.ok()) return file.status();
  const std::string chunk = RandomBytes(2, kChunk);
  uint64_t bytes = 0;
  const Stopwatch watch;
  // Bounded, so that the kernel does not begin to throttle the writer.
  while (watch.Elapsed() < duration && bytes < (uint64_t{1} << 30)) {
    const absl::Status written = WriteFully(file->fd(), chunk);
    if (!written.ok()) return written;
    bytes += chunk.size();
  }
  return static_cast<double>(bytes) / watch.Seconds();
}

absl::StatusOr<double> SyncedWriteBytesPerSecond(absl::Duration duration, const std::string& directory,
                                                 size_t chunk_bytes) {
  const absl::StatusOr<ScratchFile> file = ScratchFile::Open(directory);
  if (!file.ok()) return file.status();
  const std::string chunk = RandomBytes(3, chunk_bytes);
  uint64_t bytes = 0;
  const Stopwatch watch;
  while (watch.Elapsed() < duration) {
    const absl::Status written = WriteFully(file->fd(), chunk);
    if (!written.ok()) return written;
    if (fdatasync(file->fd()) != 0) return SystemError("fdatasync");
    bytes += chunk.size();
  }
  return static_cast<double>(bytes) / watch.Seconds();
}

absl::StatusOr<LatencyHistogram> SyncLatency(absl::Duration duration, const std::string& directory,
                                             size_t bytes) {
  const absl::StatusOr<ScratchFile> file = ScratchFile::Open(directory);
  if (!file.ok()) return file.status();
  const std::string chunk = RandomBytes(4, bytes);
  LatencyHistogram histogram;
  const Stopwatch watch;
  while (watch.Elapsed() < duration) {
    const Stopwatch one;
    const absl::Status written = WriteFully(file->fd(), chunk);
    if (!written.ok()) return written;
    if (fdatasync(file->fd()) != 0) return SystemError("fdatasync");
    histogram.Record(one.Nanos());
  }
  return histogram;
}

absl::StatusOr<LatencyHistogram> RoundTripLatency(absl::Duration duration) {
  absl::StatusOr<ListeningSocket> listener = ListeningSocket::Open();
  if (!listener.ok()) return listener.status();
  absl::StatusOr<Socket> client = Socket::Connect("127.0.0.1", listener->port());
  if (!client.ok()) return client.status();
  absl::StatusOr<Socket> server = listener->Accept();
  if (!server.ok()) return server.status();
  std::thread echo([&] {
    char message[64];
    while (server->ReceiveAll(absl::MakeSpan(message)).ok()) {
      if (!server->SendAll({absl::string_view(message, sizeof(message))}).ok()) return;
    }
  });
  LatencyHistogram histogram;
  char message[64] = {};
  absl::Status status;
  const Stopwatch watch;
  while (status.ok() && watch.Elapsed() < duration) {
    const Stopwatch one;
    status = client->SendAll({absl::string_view(message, sizeof(message))});
    if (status.ok()) status = client->ReceiveAll(absl::MakeSpan(message));
    histogram.Record(one.Nanos());
  }
  shutdown(client->fd(), SHUT_RDWR);
  echo.join();
  if (!status.ok()) return status;
  return histogram;
}

double Crc32cBytesPerSecond(absl::Duration duration, size_t chunk_bytes) {
  const std::string chunk = RandomBytes(5, chunk_bytes);
  uint64_t bytes = 0;
  uint32_t crc = 0;
  const Stopwatch watch;
  while (watch.Elapsed() < duration) {
    for (int i = 0; i < 64; ++i) crc = ExtendCrc32c(crc, chunk);
    bytes += 64 * chunk.size();
  }
  // The sum is part of the result so that the work cannot be dropped.
  return static_cast<double>(bytes + (crc == 0 ? 1 : 0)) / watch.Seconds();
}

absl::StatusOr<Report> MeasureFloors(const FloorOptions& options) {
  Report report("floors");
  constexpr double kMega = 1e6;
  for (const bool use_sendfile : {false, true}) {
    const absl::StatusOr<double> rate =
        LoopbackBytesPerSecond(options.duration, use_sendfile, options.directory);
    if (!rate.ok()) return rate.status();
    report.Add(use_sendfile ? "loopback_sendfile_mb_s" : "loopback_mb_s",
               use_sendfile ? "loopback TCP, sendfile" : "loopback TCP, plain", *rate / kMega, "MB/s");
  }
  const absl::StatusOr<LatencyHistogram> round_trip = RoundTripLatency(options.duration);
  if (!round_trip.ok()) return round_trip.status();
  report.AddLatency("round_trip", "64-byte round trip", *round_trip);
  const absl::StatusOr<double> cache = PageCacheWriteBytesPerSecond(options.duration, options.directory);
  if (!cache.ok()) return cache.status();
  report.Add("page_cache_write_mb_s", "write to the page cache", *cache / kMega, "MB/s");
  for (const size_t kib : {4, 64, 256, 512, 1024, 4096}) {
    const absl::StatusOr<double> rate =
        SyncedWriteBytesPerSecond(options.duration, options.directory, kib * 1024);
    if (!rate.ok()) return rate.status();
    report.Add(absl::StrCat("synced_write_", kib, "k_mb_s"), absl::StrCat("write + fdatasync, ", kib, " KiB"),
               *rate / kMega, "MB/s");
  }
  const absl::StatusOr<LatencyHistogram> sync = SyncLatency(options.duration, options.directory, 1024);
  if (!sync.ok()) return sync.status();
  report.AddLatency("sync_1k", "append of 1 KiB + fdatasync", *sync);
  for (const size_t bytes : {1024, 65536}) {
    report.Add(absl::StrCat("crc32c_", bytes, "_mb_s"), absl::StrCat("CRC-32C of ", bytes, " bytes"),
               Crc32cBytesPerSecond(options.duration, bytes) / kMega, "MB/s");
  }
  return report;
}

}  // namespace leat
