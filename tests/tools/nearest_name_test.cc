#include "tools/cli/nearest_name.h"

#include <gtest/gtest.h>

namespace leat {
namespace {

TEST(NearestName, FindsWhatWasMeant) {
  const std::vector<std::string> names = {"orders", "payments", "a"};
  EXPECT_EQ(NearestName("order", names), "orders");
  EXPECT_EQ(NearestName("Orders", names), "orders");
  EXPECT_EQ(NearestName("oders", names), "orders");
  EXPECT_EQ(NearestName("paymnets", names), "payments");
  EXPECT_EQ(NearestName("zebra", names), "");
  EXPECT_EQ(NearestName("anything", {}), "");
}

TEST(JoinNames, StopsAfterSome) {
  EXPECT_EQ(JoinNames({"a", "b"}, 5), "a, b");
  EXPECT_EQ(JoinNames({"a", "b", "c"}, 2), "a, b and 1 more");
  EXPECT_EQ(JoinNames({}, 2), "");
}

}  // namespace
}  // namespace leat
