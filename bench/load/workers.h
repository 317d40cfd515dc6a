#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "absl/status/status.h"

namespace leat {

// Runs `work(i)` for i in [0, count), each on a thread of its own; the first error of any.
inline absl::Status RunWorkers(uint32_t count, const std::function<absl::Status(uint32_t)>& work) {
  std::vector<absl::Status> results(count);
  std::vector<std::thread> threads;
  threads.reserve(count);
  for (uint32_t i = 0; i < count; ++i) threads.emplace_back([&, i] { results[i] = work(i); });
  for (std::thread& thread : threads) thread.join();
  for (absl::Status& result : results) {
    if (!result.ok()) return result;
  }
  return absl::OkStatus();
}

}  // namespace leat
