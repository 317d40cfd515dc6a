// Prints a topic from its start to its present end. Usage: consume [HOST:PORT] [TOPIC]

#include <cstdio>
#include <string>

#include "client/client.h"
#include "client/consumer.h"
#include "client/record_range.h"

namespace {

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return 1;
}

std::string Text(const std::optional<absl::string_view>& bytes) {
  return bytes.has_value() ? std::string(*bytes) : "(null)";
}

}  // namespace

int main(int argc, char** argv) {
  const std::string address = argc > 1 ? argv[1] : "localhost:9640";
  const std::string topic = argc > 2 ? argv[2] : "example";

  auto client = leat::Client::Connect({.address = address, .client_name = "example-consume"});
  if (!client.ok()) return Fail(client.status());
  auto consumer = leat::Consumer::Create(**client);
  if (!consumer.ok()) return Fail(consumer.status());
  absl::Status assigned = (*consumer)->AssignTopics({topic}, leat::ReadFrom::Start()).Get();
  if (!assigned.ok()) return Fail(assigned);

  leat::RecordRange records = (*consumer)->RecordsUntilEnd(absl::Seconds(10));
  long count = 0;
  for (const leat::ConsumedRecord& record : records) {
    std::printf("%s-%d@%lld %s = %s\n", record.topic().c_str(), record.partition(),
                static_cast<long long>(record.offset()), Text(record.key()).c_str(),
                Text(record.value()).c_str());
    ++count;
  }
  if (!records.status().ok()) return Fail(records.status());
  std::printf("%ld records\n", count);
  return 0;
}
