#include "broker/lane.h"

#include <algorithm>
#include <utility>

#include "broker/session.h"

namespace leat {

Lane::Lane(Executor& executor, Clock& clock, Metrics& metrics)
    : executor_(executor),
      clock_(clock),
      metrics_(metrics),
      deadlines_(executor, clock),
      acks_(metrics),
      connection_log_(clock) {}

Lane::~Lane() = default;

uint64_t Lane::Add(std::shared_ptr<Session> session) {
  const uint64_t number = NextNumber();
  sessions_.emplace(number, std::move(session));
  return number;
}

void Lane::Remove(uint64_t number) { sessions_.erase(number); }

void Lane::Close() {
  closed_ = true;
  News news;
  {
    MutexLock lock(mutex_);
    interested_ = false;
    scheduled_ = true;  // nothing more is posted
    std::swap(news, news_);
  }
  deadlines_.Clear();
  acks_.Clear();
  fetches_.Clear();
  std::map<uint64_t, std::shared_ptr<Session>> sessions;
  sessions.swap(sessions_);
  for (const auto& [number, session] : sessions) session->LetGo();
}

std::vector<std::shared_ptr<Session>> Lane::Sessions() const {
  std::vector<std::shared_ptr<Session>> sessions;
  for (const auto& [number, session] : sessions_) sessions.push_back(session);
  return sessions;
}

void Lane::WaitForAck(uint64_t partition_id, Offset next_offset, std::shared_ptr<AckWaiter> waiter,
                      uint32_t index) {
  acks_.Add(partition_id, next_offset, std::move(waiter), index);
  UpdateInterest();
}

void Lane::ForgetAck(uint64_t partition_id, Offset next_offset) {
  acks_.Remove(partition_id, next_offset);
  UpdateInterest();
}

void Lane::WaitForRecords(uint64_t partition_id, uint64_t number, std::shared_ptr<FetchWaiter> waiter,
                          uint32_t index) {
  fetches_.Add(partition_id, number, std::move(waiter), index);
  UpdateInterest();
}

void Lane::ForgetRecords(uint64_t partition_id, uint64_t number) {
  fetches_.Remove(partition_id, number);
  UpdateInterest();
}

// The lock makes registering and the news of a commit follow each other: either the commit thread sees the
// interest, or whoever registered sees the new marks.
void Lane::UpdateInterest() {
  const bool interested = acks_.size() + fetches_.size() > 0;
  if (interested == interested_here_) return;
  interested_here_ = interested;
  MutexLock lock(mutex_);
  interested_ = interested;
}

void Lane::OnCommitted(const CommitGroup& group) {
  MutexLock lock(mutex_);
  if (!interested_) return;
  news_.groups.push_back(group);
  Schedule();
}

void Lane::OnAppended(uint64_t partition_id) {
  MutexLock lock(mutex_);
  if (!interested_) return;
  if (news_.appended.empty() || news_.appended.back() != partition_id) news_.appended.push_back(partition_id);
  Schedule();
}

void Lane::OnStorageFailure(const absl::Status& status) {
  MutexLock lock(mutex_);
  news_.failure = status;
  Schedule();
}

void Lane::Schedule() {
  if (std::exchange(scheduled_, true)) return;
  metrics_.commit_notices.Add();
  executor_.Post([this] { TakeNews(); });
}

void Lane::TakeNews() {
  News news;
  {
    MutexLock lock(mutex_);
    std::swap(news, news_);
    scheduled_ = false;
  }
  std::vector<uint64_t> visible = std::move(news.appended);
  for (const CommitGroup& group : news.groups) {
    for (const CommitOutcome& outcome : *group) {
      visible.push_back(outcome.log->id());
      acks_.OnCommitted(outcome);
    }
  }
  if (!news.failure.ok()) acks_.FailAll(news.failure);
  // However often there was news of a partition, its waiters look once.
  std::sort(visible.begin(), visible.end());
  visible.erase(std::unique(visible.begin(), visible.end()), visible.end());
  FetchWaiters::Woken woken;
  for (const uint64_t partition_id : visible) fetches_.Collect(partition_id, &woken);
  for (const auto& [number, waiter] : woken) waiter.waiter->OnVisible(waiter.indexes);
  UpdateInterest();
}

}  // namespace leat
