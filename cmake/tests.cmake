# Every test/*/NAME_test.c is a program of cmocka tests, run by itself as the test NAME; every
# test/*/NAME_test.sh or _test.py is run with the build described in its environment. Exit code 77: skipped.

find_library(TALLY_CMOCKA cmocka REQUIRED)

file(GLOB TALLY_TEST_PROGRAMS CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/test/*/*_test.c)
foreach(source ${TALLY_TEST_PROGRAMS})
  cmake_path(GET source STEM name)
  cmake_path(GET source PARENT_PATH folder)
  cmake_path(GET folder FILENAME area)
  string(REGEX REPLACE "_test$" "" name ${name})
  set(target test_${area}_${name})
  add_executable(${target} ${source})
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
  target_compile_options(${target} PRIVATE ${TALLY_WARNINGS} ${TALLY_SANITIZE_OPTIONS})
  target_link_options(${target} PRIVATE ${TALLY_SANITIZE_OPTIONS})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/test/include ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${target} PRIVATE ${TALLY_FOR_TESTS} ${TALLY_CMOCKA})
  add_test(NAME ${area}/${name} COMMAND ${target})
  set_tests_properties(${area}/${name} PROPERTIES TIMEOUT 120 SKIP_RETURN_CODE 77 LABELS ${area})
endforeach()

file(GLOB TALLY_TEST_SCRIPTS CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/test/*/*_test.sh ${PROJECT_SOURCE_DIR}/test/*/*_test.py)
foreach(source ${TALLY_TEST_SCRIPTS})
  cmake_path(GET source STEM name)
  cmake_path(GET source PARENT_PATH folder)
  cmake_path(GET folder FILENAME area)
  string(REGEX REPLACE "_test$" "" name ${name})
  add_test(NAME ${area}/${name} COMMAND ${source})
  set_tests_properties(${area}/${name} PROPERTIES TIMEOUT 180 SKIP_RETURN_CODE 77 LABELS ${area}
    ENVIRONMENT "TALLY_SOURCE=${PROJECT_SOURCE_DIR};TALLY_BUILD=${PROJECT_BINARY_DIR};CC=${CMAKE_C_COMPILER}")
endforeach()
