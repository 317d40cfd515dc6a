#pragma once

#include <functional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"

namespace leat {

// A thread that runs `work`; kLimitExceeded when the system gives no more.
inline absl::StatusOr<std::thread> StartThread(std::function<void()> work) {
  try {
    return std::thread(std::move(work));
  } catch (const std::system_error& error) {
    return MakeError(ErrorCode::kLimitExceeded,
                     absl::StrCat("cannot start a thread: ", error.what(), "; choose fewer --connections"));
  }
}

// Runs `work(i)` for i in [0, count), each on a thread of its own; the first error of any.
inline absl::Status RunWorkers(uint32_t count, const std::function<absl::Status(uint32_t)>& work) {
  std::vector<absl::Status> results(count);
  std::vector<std::thread> threads;
  threads.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    absl::StatusOr<std::thread> thread = StartThread([&, i] { results[i] = work(i); });
    if (!thread.ok()) {
      results[i] = thread.status();
      break;
    }
    threads.push_back(*std::move(thread));
  }
  for (std::thread& thread : threads) thread.join();
  for (absl::Status& result : results) {
    if (!result.ok()) return result;
  }
  return absl::OkStatus();
}

}  // namespace leat
