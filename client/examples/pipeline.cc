// A request pipeline of two stages over topics: requests -> (quote) -> (exclaim) -> replies. Each stage
// reads a topic on a thread of its own and writes the next; the asker matches replies to requests by a
// header. Usage: pipeline [HOST:PORT]

#include <cstdio>
#include <set>
#include <string>

#include "client/admin.h"
#include "client/consumer.h"
#include "client/producer.h"

namespace {

using Work = std::string (*)(std::string);

std::string Quote(std::string text) { return "'" + text + "'"; }
std::string Exclaim(std::string text) { return text + "!"; }

// Reads `from`, works, writes `to`; headers travel along.
absl::StatusOr<std::unique_ptr<leat::Consumer>> StartStage(leat::Client& client, leat::Producer& producer,
                                                           std::string from, std::string to, Work work) {
  auto consumer = leat::Consumer::Create(client);
  if (!consumer.ok()) return consumer.status();
  if (auto status = (*consumer)->AssignTopics({from}, leat::ReadFrom::End()).Get(); !status.ok())
    return status;
  auto status = (*consumer)->Run([&producer, to, work](const leat::ConsumedRecord& request) {
    leat::Record reply = request.ToRecord();
    reply.topic = to;
    reply.value = work(reply.value.value_or(""));
    return producer.Send(reply).Get().status();
  });
  if (!status.ok()) return status;
  return consumer;
}

absl::Status RunPipeline(const std::string& address) {
  auto client = leat::Client::Connect({.address = address, .client_name = "example-pipeline"});
  if (!client.ok()) return client.status();
  for (const char* topic : {"pipeline-a", "pipeline-b", "pipeline-c"}) {
    auto created = leat::Admin(**client).CreateTopic({.name = topic, .if_not_exists = true}).Get();
    if (!created.ok()) return created.status();
  }
  auto producer = leat::Producer::Create(**client);
  if (!producer.ok()) return producer.status();
  auto first = StartStage(**client, **producer, "pipeline-a", "pipeline-b", Quote);
  if (!first.ok()) return first.status();
  auto second = StartStage(**client, **producer, "pipeline-b", "pipeline-c", Exclaim);
  if (!second.ok()) return second.status();
  auto replies = leat::Consumer::Create(**client);
  if (!replies.ok()) return replies.status();
  auto ready = (*replies)->AssignTopics({"pipeline-c"}, leat::ReadFrom::End()).Get();
  if (!ready.ok()) return ready;
  std::set<std::string> open;
  for (const char* word : {"hello", "durable", "world"}) {
    leat::Record request{.topic = "pipeline-a", .value = word, .headers = {{"request", word}}};
    if (auto sent = (*producer)->Send(request).Get(); !sent.ok()) return sent.status();
    open.insert(word);
  }
  while (!open.empty()) {
    auto records = (*replies)->Poll(absl::Seconds(10));
    if (!records.ok()) return records.status();
    if (records->empty()) return absl::DeadlineExceededError("a reply did not come within 10 seconds");
    for (const leat::ConsumedRecord& reply : *records) {
      const std::string request(reply.header("request").value_or(""));
      if (open.erase(request) > 0)
        std::printf("%s -> %s\n", request.c_str(), std::string(*reply.value()).c_str());
    }
  }
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  const absl::Status status = RunPipeline(argc > 1 ? argv[1] : "localhost:9640");
  if (!status.ok()) std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return status.ok() ? 0 : 1;
}
