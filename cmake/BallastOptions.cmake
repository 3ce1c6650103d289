# Options and the compile flags that every target of the project shares.
include(GNUInstallDirs)

# Where backends are installed, and what the daemon loads them from if not configured otherwise.
set(BALLAST_MODULE_DIR "${CMAKE_INSTALL_LIBDIR}/ballast/backends")
set(BALLAST_FULL_MODULE_DIR "${CMAKE_INSTALL_FULL_LIBDIR}/ballast/backends")

option(BALLAST_BUILD_TESTS "Build the tests" ON)
option(BALLAST_BUILD_BENCH "Build ballast-bench" ON)
set(BALLAST_SANITIZE "" CACHE STRING "Sanitizers to build with, as -fsanitize takes them")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# Unique symbols would keep a loadable backend mapped for good.
add_compile_options($<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-fno-gnu-unique>)

add_library(ballast_flags INTERFACE)
target_compile_options(ballast_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion -Werror)
target_include_directories(ballast_flags INTERFACE "${PROJECT_SOURCE_DIR}")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees overlaps in std::string that are not there (its bug 105651).
  target_compile_options(ballast_flags INTERFACE -Wno-restrict)
endif()
if(CMAKE_UNITY_BUILD)
  # GCC takes a source that shares an object for a header, whose types need linkage.
  target_compile_options(ballast_flags INTERFACE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-subobject-linkage>)
endif()
if(BALLAST_SANITIZE)
  add_compile_options(-fsanitize=${BALLAST_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${BALLAST_SANITIZE})
  # GCC sees uninitialised values that are not there once sanitizers rewrite the code.
  target_compile_options(ballast_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(ballast_flags INTERFACE -Wthread-safety)
endif()

# ballast_library(NAME [COLD] SOURCES... DEPENDS TARGETS...): a static library of this folder. COLD: it
# runs seldom and briefly, and optimising it would take longer than it ever saves.
function(ballast_library name)
  cmake_parse_arguments(ARG "COLD" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ballast_flags ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE_DEPENDS})
  if(ARG_COLD AND CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(${name} PRIVATE -O1)
  endif()
endfunction()
