// The record format by itself: what a client pays to write a batch, a broker to check it, a consumer to read
// it. Bytes per second count the records' values.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

#include "protocol/record/batch.h"
#include "protocol/record/batch_builder.h"
#include "protocol/record/crc32c.h"
#include "protocol/record/record_iterator.h"
#include "protocol/record/validate.h"

namespace leat {
namespace {

constexpr int64_t kTime = 1700000000000;
constexpr size_t kBatchBytes = 512 * 1024;

// Text-like values, so that codecs have something to do; all records differ.
std::string Value(size_t size, uint32_t seed) {
  std::string value;
  while (value.size() < size) {
    seed = seed * 1664525 + 1013904223;
    value += "field" + std::to_string(seed >> 20) + " ";
  }
  value.resize(size);
  return value;
}

int32_t RecordsFor(size_t value_bytes) { return static_cast<int32_t>(kBatchBytes / value_bytes); }

std::string Build(size_t value_bytes, Codec codec) {
  BatchBuilder builder({.codec = codec});
  for (int32_t i = 0; i < RecordsFor(value_bytes); ++i) {
    builder.Add(kTime + i, absl::string_view("key-0123"), Value(value_bytes, static_cast<uint32_t>(i)));
  }
  return builder.Finish().value();
}

void Report(benchmark::State& state, int64_t records, int64_t value_bytes) {
  state.SetItemsProcessed(state.iterations() * records);
  state.SetBytesProcessed(state.iterations() * records * value_bytes);
}

void BM_Encode(benchmark::State& state) {
  const auto value_bytes = static_cast<size_t>(state.range(0));
  const std::string value = Value(value_bytes, 1);
  BatchBuilder builder({.codec = static_cast<Codec>(state.range(1))});
  const int32_t records = RecordsFor(value_bytes);
  for (auto _ : state) {
    for (int32_t i = 0; i < records; ++i) builder.Add(kTime + i, absl::string_view("key-0123"), value);
    benchmark::DoNotOptimize(builder.Finish().value());
  }
  Report(state, records, state.range(0));
}
BENCHMARK(BM_Encode)->ArgNames({"value", "codec"})->ArgsProduct({{100, 1024}, {0, 2, 3, 4}});

void BM_Iterate(benchmark::State& state) {
  const auto value_bytes = static_cast<size_t>(state.range(0));
  const std::string bytes = Build(value_bytes, static_cast<Codec>(state.range(1)));
  const BatchView batch = BatchView::Parse(bytes).value();
  for (auto _ : state) {
    RecordIterator iterator = RecordIterator::Create(batch).value();
    while (true) {
      const absl::StatusOr<std::optional<RecordView>> record = iterator.Next();
      if (!record.ok() || !record->has_value()) break;
      benchmark::DoNotOptimize((*record)->value->data());
    }
  }
  Report(state, RecordsFor(value_bytes), state.range(0));
}
BENCHMARK(BM_Iterate)->ArgNames({"value", "codec"})->ArgsProduct({{100, 1024}, {0, 2, 3, 4}});

void BM_Validate(benchmark::State& state) {
  const auto value_bytes = static_cast<size_t>(state.range(0));
  const std::string bytes = Build(value_bytes, Codec::kNone);
  ValidationOptions options;
  options.validation = static_cast<Validation>(state.range(1));
  for (auto _ : state) {
    if (!ValidateBatch(bytes, options).ok()) state.SkipWithError("the batch was refused");
  }
  Report(state, RecordsFor(value_bytes), state.range(0));
}
BENCHMARK(BM_Validate)->ArgNames({"value", "level"})->ArgsProduct({{100, 1024}, {0, 1}});

// The floor of validation.
void BM_Crc32c(benchmark::State& state) {
  const std::string data(static_cast<size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(Crc32c(data));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Crc32c)->Arg(64)->Arg(1024)->Arg(64 * 1024)->Arg(512 * 1024);

}  // namespace
}  // namespace leat
