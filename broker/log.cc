#include "broker/log.h"

#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "broker/json_text.h"
#include "spdlog/pattern_formatter.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace leat {
namespace {

constexpr absl::Duration kQuiet = absl::Seconds(1);

// The message as a JSON string.
class JsonMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    const std::string text = JsonString(absl::string_view(message.payload.data(), message.payload.size()));
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessage>();
  }
};

std::shared_ptr<spdlog::logger> NewLogger() {
  auto logger = std::make_shared<spdlog::logger>("leat", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  logger->set_level(spdlog::level::warn);
  return logger;
}

const std::shared_ptr<spdlog::logger>& Logger() {
  static const auto* const logger = new std::shared_ptr<spdlog::logger>(NewLogger());  // never destroyed
  return *logger;
}

spdlog::level::level_enum LevelOf(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

void Log(LogLevel level, absl::string_view message) {
  // One line each, whatever a peer or a path put into the text.
  std::string line(message);
  for (char& c : line) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = ' ';
  }
  Logger()->log(LevelOf(level), line);
}

void InitLogging(const std::string& level, const std::string& format) {
  Logger()->set_level(spdlog::level::from_str(level));
  if (format == "json") {
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<JsonMessage>('*').set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","thread":%t,"message":%*})");
    Logger()->set_formatter(std::move(formatter));
  }
}

void FlushLogging() { Logger()->flush(); }

void RateLimitedLog::Warn(absl::string_view message) {
  const absl::Duration now = clock_.Monotonic();
  if (now < quiet_until_) {
    ++suppressed_;
    return;
  }
  Log(LogLevel::kWarn, suppressed_ == 0 ? std::string(message)
                                        : absl::StrCat(message, " (and ", suppressed_, " like it before)"));
  suppressed_ = 0;
  quiet_until_ = now + kQuiet;
}

}  // namespace leat
