#pragma once

#include <utility>

#include "broker/broker.h"
#include "broker/lane.h"
#include "broker/responder.h"
#include "storage/env/executor.h"

namespace leat {

// Runs `work()` on `worker`, then `done(Responder, result of work)` on the responder's lane. `work` must not
// touch the responder or anything that lives in the request. What is still queued when the workers stop is
// dropped.
template <typename Work, typename Done>
void Offload(Executor& worker, Responder responder, Work work, Done done) {
  worker.Post([responder = std::move(responder), work = std::move(work), done = std::move(done)]() mutable {
    if (responder.broker().stopping()) return;
    auto result = work();
    Executor& home = responder.lane().executor();
    home.Post([responder = std::move(responder), result = std::move(result),
               done = std::move(done)]() mutable { done(std::move(responder), std::move(result)); });
  });
}

}  // namespace leat
