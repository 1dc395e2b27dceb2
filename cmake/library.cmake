# libtally: static, shared, and the build that `tally run -race` links.

find_package(Threads REQUIRED)
file(GLOB TALLY_SOURCES CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/src/*/*.c
  ${PROJECT_SOURCE_DIR}/src/platform/linux/*.c)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(TALLY_ARCH x86_64)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(TALLY_ARCH aarch64)
else()
  message(FATAL_ERROR "tally runs on x86-64 and aarch64, not on ${CMAKE_SYSTEM_PROCESSOR}")
endif()
file(GLOB TALLY_ARCH_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/platform/${TALLY_ARCH}/*.[cS])
list(APPEND TALLY_SOURCES ${TALLY_ARCH_SOURCES})
if(TALLY_CHAOS)
  list(APPEND TALLY_SOURCES ${PROJECT_SOURCE_DIR}/test/chaos/chaos.c)
endif()

set(TALLY_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes -Wstrict-prototypes)
if(TALLY_WERROR)
  list(APPEND TALLY_WARNINGS -Werror)
endif()

# What all builds of the library share. The sources see their own tree and the public headers.
function(tally_library name kind)
  add_library(${name} ${kind} ${TALLY_SOURCES})
  target_include_directories(${name}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_compile_features(${name} PUBLIC c_std_11)
  target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
  target_compile_options(${name} PRIVATE ${TALLY_WARNINGS} -fno-strict-aliasing -fvisibility=hidden)
  target_link_libraries(${name} PUBLIC Threads::Threads)
  # The static library too: it may go into somebody's shared object. An executable's linker undoes what that costs.
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
endfunction()

if(TALLY_MAIN)
  add_custom_target(tally_layers ALL COMMAND ${PROJECT_SOURCE_DIR}/tools/check-layers VERBATIM)
endif()

tally_library(tally STATIC)
tally_library(tally_shared SHARED)
set_target_properties(tally_shared PROPERTIES
  OUTPUT_NAME tally EXPORT_NAME shared VERSION ${PROJECT_VERSION} SOVERSION 0
  LINK_DEPENDS ${PROJECT_SOURCE_DIR}/src/tally.map)
# It stays when a program unloads what brought it: threads that have used it call it when they end.
target_link_options(tally_shared PRIVATE
  LINKER:--version-script=${PROJECT_SOURCE_DIR}/src/tally.map LINKER:-z,nodelete)
if(TALLY_RACE_LIBRARY)
  # It tells ThreadSanitizer about tasks, and is itself not instrumented (doc/design/races.md).
  tally_library(tally_race STATIC)
  target_compile_definitions(tally_race PRIVATE TALLY_RACE=1)
  target_compile_options(tally_race PRIVATE -include ${PROJECT_SOURCE_DIR}/src/platform/linux/race_calls.h)
  set_target_properties(tally_race PROPERTIES EXPORT_NAME race)
  add_library(tally::race ALIAS tally_race)
endif()
# By the same names as find_package(tally) gives them. Inside another project only what it links is built.
add_library(tally::tally ALIAS tally)
add_library(tally::shared ALIAS tally_shared)
if(NOT TALLY_MAIN)
  set_target_properties(tally tally_shared PROPERTIES EXCLUDE_FROM_ALL ON)
endif()

# A sanitizer instruments the users of the library. The library itself stays as it is under
# ThreadSanitizer, which would otherwise see its switches of stack as returns that never happen.
if(TALLY_SANITIZE STREQUAL "thread")
  set(TALLY_FOR_TESTS tally_race)
else()
  set(TALLY_FOR_TESTS tally)
endif()
if(TALLY_SANITIZE)
  set(TALLY_SANITIZE_OPTIONS -fsanitize=${TALLY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  if(NOT TALLY_SANITIZE STREQUAL "thread")
    target_compile_options(tally PRIVATE ${TALLY_SANITIZE_OPTIONS})
  endif()
endif()
