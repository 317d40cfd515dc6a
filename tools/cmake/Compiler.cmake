# Flags of every target of ours: warnings are errors, hardening is on, sanitizers come from the preset.

if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(LEAT_CCACHE ccache)
  if(LEAT_CCACHE)
    # Precompiled headers need ccache to be told that their time stamps do not matter.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
        CCACHE_SLOPPINESS=pch_defines,time_macros ${LEAT_CCACHE})
  endif()
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                    -Wnull-dereference -Wunused-result -Werror)
add_compile_options(-fno-omit-frame-pointer -fstack-protector-strong)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options(-Wthread-safety)
else()
  # GCC 12 reports these in coroutine frames and in inlined library code where they do not hold.
  add_compile_options(-Wno-null-dereference -Wno-maybe-uninitialized -Wno-restrict)
endif()

set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")
if(LEAT_SANITIZE)
  add_compile_options(-fsanitize=${LEAT_SANITIZE})
  add_link_options(-fsanitize=${LEAT_SANITIZE})
  if(LEAT_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
else()
  add_compile_definitions(_FORTIFY_SOURCE=2)
endif()
if(LEAT_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
