# The explorer of test/model, its own tests, the models (test/model/NAME_model.c, the test model/NAME) and the
# plants (test/model/PLANTS, the tests model/plant_NAME: a mistake in the library's source that a model must find).
# doc/design/test-back-ends.md says how it works.

# The core's own sources under ThreadSanitizer, which elsewhere watches the library's users only.
tally_test_rule(rule chaos/core)
if(TALLY_CONFIGURATION IN_LIST rule)
  tally_test_program(test_chaos_core ${PROJECT_SOURCE_DIR}/test/chaos/core/core_test.c)
  target_sources(test_chaos_core PRIVATE ${PROJECT_SOURCE_DIR}/src/sched/deque.c ${PROJECT_SOURCE_DIR}/src/park/lot.c
    ${PROJECT_SOURCE_DIR}/src/platform/lock.c)
  find_library(TALLY_CMOCKA cmocka REQUIRED)
  target_link_libraries(test_chaos_core PRIVATE ${TALLY_CMOCKA})
  add_test(NAME chaos/core COMMAND ${TALLY_TEST_WRAPPER} $<TARGET_FILE:test_chaos_core>)
  tally_test_properties(chaos/core chaos "${rule}")
endif()

tally_test_rule(rule model)
if(NOT TALLY_CONFIGURATION IN_LIST rule)
  return()
endif()

set(TALLY_MODEL_INCLUDE ${PROJECT_BINARY_DIR}/model/include)
add_custom_command(OUTPUT ${TALLY_MODEL_INCLUDE}/places.h
  COMMAND ${CMAKE_COMMAND} -E make_directory ${TALLY_MODEL_INCLUDE}
  COMMAND ${CMAKE_COMMAND} -E env CC=${CMAKE_C_COMPILER} ${PROJECT_SOURCE_DIR}/test/model/wrap-atomics
    ${PROJECT_SOURCE_DIR}/include MODEL_HERE > ${TALLY_MODEL_INCLUDE}/places.h
  DEPENDS ${PROJECT_SOURCE_DIR}/test/model/wrap-atomics ${PROJECT_SOURCE_DIR}/include/tally/atomic.h
  VERBATIM)
add_custom_target(model_places DEPENDS ${TALLY_MODEL_INCLUDE}/places.h)

# Whoever is built so sees the explorer's headers in the place of the library's own. Addresses are the same in
# every run (no PIE), so that a seed replays.
function(tally_model_target target)
  add_dependencies(${target} model_places)
  target_include_directories(${target} BEFORE PRIVATE ${PROJECT_SOURCE_DIR}/test/model/include
    ${PROJECT_SOURCE_DIR}/test/model ${TALLY_MODEL_INCLUDE} ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
  target_compile_options(${target} PRIVATE ${TALLY_WARNINGS} -fno-strict-aliasing -fno-pie)
  target_compile_features(${target} PRIVATE c_std_11)
endfunction()

file(GLOB TALLY_MODEL_ENGINE CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/test/model/engine/*.c)
add_library(model_engine STATIC ${TALLY_MODEL_ENGINE})
tally_model_target(model_engine)
target_compile_definitions(model_engine PRIVATE MODEL_ENGINE)
set_target_properties(model_engine PROPERTIES ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/model)

# The library's own source, as the explorer runs it. Models take from it what they use.
file(GLOB sources CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/src/region/*.c ${PROJECT_SOURCE_DIR}/src/count/*.c ${PROJECT_SOURCE_DIR}/src/park/*.c
  ${PROJECT_SOURCE_DIR}/src/sched/*.c ${PROJECT_SOURCE_DIR}/src/sync/*.c)
add_library(model_core STATIC ${sources}
  ${PROJECT_SOURCE_DIR}/src/platform/lock.c ${PROJECT_SOURCE_DIR}/src/platform/local.c
  ${PROJECT_SOURCE_DIR}/src/platform/${TALLY_ARCH}/context.S)
tally_model_target(model_core)
target_compile_definitions(model_core PRIVATE TALLY__LOCK_SPINS=1)
set_target_properties(model_core PROPERTIES ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/model)

function(tally_model_program target source)
  add_executable(${target} ${source})
  tally_model_target(${target})
  target_link_options(${target} PRIVATE -no-pie)
  target_link_libraries(${target} PRIVATE model_core model_engine)
endfunction()

find_library(TALLY_CMOCKA cmocka REQUIRED)
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/test/model/self/*_test.c)
foreach(source ${sources})
  cmake_path(GET source STEM name)
  string(REGEX REPLACE "_test$" "" name ${name})
  tally_model_program(model_self_${name} ${source})
  target_link_libraries(model_self_${name} PRIVATE ${TALLY_CMOCKA})
  add_test(NAME model/self_${name} COMMAND model_self_${name})
  tally_test_properties(model/self_${name} model "${rule}")
endforeach()

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/test/model/*_model.c)
foreach(source ${sources})
  cmake_path(GET source STEM name)
  string(REGEX REPLACE "_model$" "" name ${name})
  tally_model_program(model_${name} ${source})
  add_test(NAME model/${name} COMMAND model_${name})
  tally_test_rule(rule model/${name} model)
  tally_test_properties(model/${name} model "${rule}")
endforeach()

tally_test_rule(rule model/plants)
set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/test/model/PLANTS)
file(STRINGS ${PROJECT_SOURCE_DIR}/test/model/PLANTS plants REGEX "^plant: ")
foreach(plant ${plants})
  string(REGEX REPLACE "^plant: *" "" name "${plant}")
  add_test(NAME model/plant_${name} COMMAND ${PROJECT_SOURCE_DIR}/test/model/plant ${name})
  tally_test_properties(model/plant_${name} model "${rule}")
endforeach()
