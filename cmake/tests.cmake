# Every test/AREA/NAME_test.c is a program, run as the test AREA/NAME; every test/AREA/NAME_test.sh or .py is run
# with the build described in its environment. Exit code 77: skipped. test/CONFIGURATIONS says which of them
# belong to this configuration; the others are not built.

set(TALLY_TEST_WRAPPER "" CACHE STRING "A command, as a list, that test programs run under")

file(STRINGS ${PROJECT_SOURCE_DIR}/test/CONFIGURATIONS TALLY_TEST_RULES REGEX "^[^#]*:")
set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/test/CONFIGURATIONS)

# Sets `words` to what test/CONFIGURATIONS says of the first of the names that it knows.
function(tally_test_rule words)
  foreach(name ${ARGN})
    foreach(rule ${TALLY_TEST_RULES})
      if(rule MATCHES "^${name}:(.*)$")
        separate_arguments(rule UNIX_COMMAND "${CMAKE_MATCH_1}")
        set(${words} ${rule} PARENT_SCOPE)
        return()
      endif()
    endforeach()
  endforeach()
  message(FATAL_ERROR "test/CONFIGURATIONS has no line for ${ARGN}")
endfunction()

function(tally_test_properties test area rule)
  set(labels ${area})
  if("check" IN_LIST rule)
    list(APPEND labels check)
  endif()
  set(timeout 120)
  if("${rule}" MATCHES "timeout=([0-9]+)")
    set(timeout ${CMAKE_MATCH_1})
  endif()
  if("alone" IN_LIST rule)
    set_tests_properties(${test} PROPERTIES RUN_SERIAL ON)
  endif()
  set_tests_properties(${test} PROPERTIES TIMEOUT ${timeout} SKIP_RETURN_CODE 77 LABELS "${labels}"
    ENVIRONMENT "TALLY_SOURCE=${PROJECT_SOURCE_DIR};TALLY_BUILD=${PROJECT_BINARY_DIR};TALLY_CONFIGURATION=${TALLY_CONFIGURATION};CC=${CMAKE_C_COMPILER}"
    ENVIRONMENT_MODIFICATION "PATH=path_list_append:${PROJECT_SOURCE_DIR}/build/tools/usr/bin")
endfunction()

# A program that tests use: warnings, sanitizers and include folders as for all of them.
function(tally_test_program target source)
  add_executable(${target} ${source})
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
  target_compile_options(${target} PRIVATE ${TALLY_WARNINGS} ${TALLY_SANITIZE_OPTIONS})
  target_link_options(${target} PRIVATE ${TALLY_SANITIZE_OPTIONS})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/test/include ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${target} PRIVATE ${TALLY_FOR_TESTS})
endfunction()

file(GLOB TALLY_TEST_FILES CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/test/*/*_test.c
  ${PROJECT_SOURCE_DIR}/test/*/*_test.sh
  ${PROJECT_SOURCE_DIR}/test/*/*_test.py)
foreach(source ${TALLY_TEST_FILES})
  cmake_path(GET source STEM name)
  cmake_path(GET source EXTENSION kind)
  cmake_path(GET source PARENT_PATH folder)
  cmake_path(GET folder FILENAME area)
  string(REGEX REPLACE "_test$" "" name ${name})
  if(kind STREQUAL ".c")
    tally_test_rule(rule ${area}/${name} ${area} programs)
  else()
    tally_test_rule(rule ${area}/${name} ${area} scripts)
  endif()
  if(NOT TALLY_CONFIGURATION IN_LIST rule)
    continue()
  endif()
  if(kind STREQUAL ".c")
    set(target test_${area}_${name})
    tally_test_program(${target} ${source})
    if(NOT area STREQUAL "cross")
      target_link_libraries(${target} PRIVATE ${TALLY_CMOCKA})
    endif()
    add_test(NAME ${area}/${name} COMMAND ${TALLY_TEST_WRAPPER} $<TARGET_FILE:${target}>)
  else()
    add_test(NAME ${area}/${name} COMMAND ${source})
  endif()
  tally_test_properties(${area}/${name} ${area} "${rule}")
endforeach()

# The seed's program, as a user builds it, in every configuration that can run it.
if(EXISTS ${PROJECT_SOURCE_DIR}/examples/atomic_counters.c)
  tally_test_rule(rule cross)
  if(TALLY_CONFIGURATION IN_LIST rule)
    tally_test_program(demo ${PROJECT_SOURCE_DIR}/examples/atomic_counters.c)
    add_test(NAME cross/demo COMMAND ${TALLY_TEST_WRAPPER} $<TARGET_FILE:demo>)
    tally_test_properties(cross/demo cross "${rule}")
    set_tests_properties(cross/demo PROPERTIES PASS_REGULAR_EXPRESSION "^ops: 50000\n$")
  endif()
endif()
