// Sends records and waits until each is on disk. Usage: produce [HOST:PORT] [TOPIC] [COUNT]

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "client/client.h"
#include "client/producer.h"

namespace {

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string address = argc > 1 ? argv[1] : "localhost:9640";
  const std::string topic = argc > 2 ? argv[2] : "example";
  const int count = argc > 3 ? std::atoi(argv[3]) : 10;

  auto client = leat::Client::Connect({.address = address, .client_name = "example-produce"});
  if (!client.ok()) return Fail(client.status());
  auto producer = leat::Producer::Create(**client);
  if (!producer.ok()) return Fail(producer.status());

  // Send returns at once: records that are sent while others are under way leave together.
  std::vector<leat::Future<leat::Producer::Delivery>> sent;
  for (int i = 0; i < count; ++i) {
    leat::Record record;
    record.topic = topic;
    record.key = "key-" + std::to_string(i);
    record.value = "value " + std::to_string(i);
    record.headers = {{"origin", "example"}};
    sent.push_back((*producer)->Send(record));
  }
  for (auto& future : sent) {
    leat::Producer::Delivery delivery = future.Get();
    if (!delivery.ok()) return Fail(delivery.status());
    std::printf("%s-%d at offset %lld\n", delivery->topic.c_str(), delivery->partition,
                static_cast<long long>(delivery->offset));
  }
  return 0;
}
