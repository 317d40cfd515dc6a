# Every library Leat links, as installed by tools/setup from Debian 12. Nothing is downloaded during a build.

find_package(Threads REQUIRED)
find_package(absl REQUIRED)
find_package(Protobuf REQUIRED)
find_package(spdlog REQUIRED)
find_package(Snappy REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(isal REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(lz4 REQUIRED IMPORTED_TARGET liblz4)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
find_package(tomlplusplus REQUIRED)
find_package(CLI11 REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)
find_package(rapidcheck REQUIRED)

# Asio is header-only. Under clang it has to be told that coroutines exist.
add_library(leat_asio INTERFACE)
target_compile_definitions(leat_asio INTERFACE ASIO_STANDALONE ASIO_NO_DEPRECATED
  $<$<CXX_COMPILER_ID:Clang>:ASIO_HAS_CO_AWAIT=1 ASIO_HAS_STD_COROUTINE=1>)
target_link_libraries(leat_asio INTERFACE Threads::Threads)
if(LEAT_SANITIZE STREQUAL "thread")
  # ThreadSanitizer knows no fences, and GCC refuses them; the locks of Asio's scheduler order the handlers as well.
  target_compile_definitions(leat_asio INTERFACE ASIO_DISABLE_FENCED_BLOCK)
endif()
