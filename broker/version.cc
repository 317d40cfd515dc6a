#include "broker/version.h"

namespace leat {

absl::string_view Version() { return LEAT_VERSION; }

}  // namespace leat
