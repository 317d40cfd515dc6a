// Many sends awaited together in a coroutine. Usage: many_sends [HOST:PORT] [TOPIC] [COUNT]

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "client/client.h"
#include "client/producer.h"
#include "client/task.h"

namespace {

// Coroutines take what they keep by value; the producer outlives the task.
leat::Task<absl::Status> SendMany(leat::Producer* producer, std::string topic, int count) {
  using Delivery = leat::Producer::Delivery;
  std::vector<leat::Future<Delivery>> sent;
  for (int i = 0; i < count; ++i) {
    leat::Record record;
    record.topic = topic;
    record.value = "number " + std::to_string(i);
    sent.push_back(producer->Send(record));
  }
  // Resumes on the client's io thread when the last one is acknowledged: nothing here may block.
  std::vector<Delivery> deliveries = co_await leat::WhenAll(std::move(sent));
  for (const Delivery& delivery : deliveries) {
    if (!delivery.ok()) co_return delivery.status();
  }
  std::printf("%d records acknowledged\n", count);

  // One more, behind all others.
  leat::Record last;
  last.topic = topic;
  last.value = "that was all";
  Delivery delivery = co_await producer->Send(last);
  if (delivery.ok())
    std::printf("the last one is at offset %lld\n", static_cast<long long>(delivery->offset));
  co_return delivery.status();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string address = argc > 1 ? argv[1] : "localhost:9640";
  const std::string topic = argc > 2 ? argv[2] : "example";
  const int count = argc > 3 ? std::atoi(argv[3]) : 1000;

  absl::Status status;
  auto client = leat::Client::Connect({.address = address, .client_name = "example-many-sends"});
  if (client.ok()) {
    auto producer = leat::Producer::Create(**client);
    status = producer.ok() ? leat::SyncWait(SendMany(producer->get(), topic, count)) : producer.status();
  } else {
    status = client.status();
  }
  if (!status.ok()) std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return status.ok() ? 0 : 1;
}
