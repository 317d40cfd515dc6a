#pragma once

#include <memory>

#include "gtest/gtest.h"
#include "storage/env/executor.h"
#include "tests/support/sim_runtime.h"

// The implementations of Runtime that every test of the contract runs over. A new one is added here.

namespace leat {

// Real threads.
class Threads {
 public:
  Runtime& runtime() { return *runtime_; }

 private:
  std::unique_ptr<Runtime> runtime_ = NewThreadRuntime();
};

// All in one thread.
class Simulation {
 public:
  Runtime& runtime() { return runtime_; }

 private:
  SimRuntime runtime_{1};
};

using Runtimes = ::testing::Types<Threads, Simulation>;

}  // namespace leat
