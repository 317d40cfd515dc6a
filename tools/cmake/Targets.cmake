# How targets are declared, so that each CMakeLists.txt only lists files and libraries.

include(GoogleTest)

add_custom_target(concurrent_tests COMMENT "Test binaries that also run under ThreadSanitizer")
add_custom_target(fuzz_targets COMMENT "All fuzz targets")

# One precompiled header for all targets: the standard library and the parts of abseil that nearly every file uses.
if(LEAT_PCH)
  add_library(leat_pch STATIC ${CMAKE_SOURCE_DIR}/tools/cmake/pch.cc)
  target_include_directories(leat_pch PRIVATE ${CMAKE_SOURCE_DIR})
  target_precompile_headers(leat_pch PRIVATE ${CMAKE_SOURCE_DIR}/tools/cmake/pch.h)
  target_link_libraries(leat_pch PUBLIC absl::status absl::statusor absl::strings absl::time absl::span
                                        absl::any_invocable absl::flat_hash_map)
endif()

function(leat_use_pch target)
  if(LEAT_PCH)
    target_precompile_headers(${target} REUSE_FROM leat_pch)
  endif()
endfunction()

# leat_library(name SOURCES ... LIBS ...): a static library, includes are relative to the root of the tree.
function(leat_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>
                                            $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/leat>)
  target_link_libraries(${name} PUBLIC ${ARG_LIBS})
  target_compile_features(${name} PUBLIC cxx_std_20)
  leat_use_pch(${name})
endfunction()

# leat_binary(name SOURCES ... LIBS ...): a program in build/<preset>/bin.
function(leat_binary name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS})
  leat_use_pch(${name})
endfunction()

# leat_test(name [LABELS ...] SOURCES ... LIBS ...): one GoogleTest binary; ctest sees each of its tests.
# Label `concurrent` marks what also runs under ThreadSanitizer.
function(leat_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LIBS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} GTest::gmock GTest::gtest GTest::gtest_main)
  leat_use_pch(${name})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST
                       PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
  if("concurrent" IN_LIST ARG_LABELS)
    add_dependencies(concurrent_tests ${name})
  endif()
endfunction()

# leat_fuzz(name SOURCES ... LIBS ...): a libFuzzer target; its corpus is tests/fuzz/corpus/<name>.
function(leat_fuzz name)
  if(NOT LEAT_FUZZ)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(fuzz_targets ${name})
endfunction()
