#include "storage/meta/setting_text.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace leat {
namespace {

struct Unit {
  absl::string_view name;
  int64_t factor;
};

constexpr int64_t kKi = 1024;
constexpr int64_t kSecond = 1000;
constexpr int64_t kDay = 24 * 3600 * kSecond;

// Largest first within each family, so that formatting finds the shortest form.
constexpr Unit kByteUnits[] = {{"TiB", kKi* kKi* kKi* kKi},
                               {"GiB", kKi* kKi* kKi},
                               {"MiB", kKi* kKi},
                               {"KiB", kKi},
                               {"TB", 1'000'000'000'000},
                               {"GB", 1'000'000'000},
                               {"MB", 1'000'000},
                               {"kB", 1000},
                               {"KB", 1000},
                               {"B", 1}};
constexpr size_t kBinaryUnits = 4;

constexpr Unit kTimeUnits[] = {{"w", 7 * kDay},     {"d", kDay},    {"h", 3600 * kSecond},
                               {"m", 60 * kSecond}, {"s", kSecond}, {"ms", 1}};

constexpr int kFractionDigitsMax = 9;

// A decimal number at the front of `text`, as digits and a power of ten; takes it off `text`.
struct Decimal {
  int64_t digits = 0;
  int64_t scale = 1;  // the value is digits / scale
};

std::optional<Decimal> TakeDecimal(absl::string_view& text) {
  Decimal number;
  bool any_digit = false;
  int fraction_digits = -1;  // -1: no point yet
  size_t used = 0;
  for (; used < text.size(); ++used) {
    const char c = text[used];
    if (c == '.' && fraction_digits < 0 && any_digit) {
      fraction_digits = 0;
    } else if (absl::ascii_isdigit(static_cast<unsigned char>(c))) {
      any_digit = true;
      if (__builtin_mul_overflow(number.digits, 10, &number.digits) ||
          __builtin_add_overflow(number.digits, c - '0', &number.digits)) {
        return std::nullopt;
      }
      if (fraction_digits >= 0) {
        if (++fraction_digits > kFractionDigitsMax) return std::nullopt;
        number.scale *= 10;
      }
    } else {
      break;
    }
  }
  if (!any_digit || fraction_digits == 0) return std::nullopt;
  text.remove_prefix(used);
  return number;
}

std::optional<int64_t> ParseWithUnit(absl::string_view text, absl::Span<const Unit> units) {
  text = absl::StripAsciiWhitespace(text);
  const std::optional<Decimal> number = TakeDecimal(text);
  if (!number.has_value()) return std::nullopt;
  text = absl::StripLeadingAsciiWhitespace(text);
  int64_t factor = 1;
  if (!text.empty()) {
    const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == text; });
    if (unit == units.end()) return std::nullopt;
    factor = unit->factor;
  }
  int64_t scaled = 0;
  if (__builtin_mul_overflow(number->digits, factor, &scaled) || scaled % number->scale != 0)
    return std::nullopt;
  return scaled / number->scale;
}

std::string FormatWithUnit(int64_t value, absl::Span<const Unit> units) {
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0) return absl::StrCat(value / unit.factor, unit.name);
  }
  return absl::StrCat(value);
}

// Levenshtein's distance.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<int64_t> ParseByteSize(absl::string_view text) { return ParseWithUnit(text, kByteUnits); }

std::string FormatByteSize(int64_t bytes) {
  return FormatWithUnit(bytes, absl::MakeConstSpan(kByteUnits, kBinaryUnits));
}

std::optional<int64_t> ParseMilliseconds(absl::string_view text) { return ParseWithUnit(text, kTimeUnits); }

std::string FormatMilliseconds(int64_t milliseconds) {
  // Weeks are read, but days are what people expect to see.
  return FormatWithUnit(milliseconds, absl::MakeConstSpan(kTimeUnits).subspan(1));
}

absl::string_view NearestName(absl::string_view name, absl::Span<const absl::string_view> known) {
  constexpr size_t kNameMax = 100;  // longer ones are no typing mistakes
  if (name.empty() || name.size() > kNameMax) return {};
  const std::string lower = absl::AsciiStrToLower(name);
  absl::string_view best;
  size_t best_distance = std::max<size_t>(2, name.size() / 3) + 1;
  for (absl::string_view candidate : known) {
    const size_t distance = EditDistance(lower, absl::AsciiStrToLower(candidate));
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace leat
