# With TALLY_CHAOS the library and its tests are built on a tally/atomic.h that delays at random before each
# operation: test/chaos. Included before any target is made.
option(TALLY_CHAOS "Delay at random before each atomic operation, for tests" OFF)
if(TALLY_CHAOS)
  set(TALLY_CHAOS_INCLUDE ${PROJECT_BINARY_DIR}/chaos/include)
  file(MAKE_DIRECTORY ${TALLY_CHAOS_INCLUDE})
  execute_process(COMMAND ${CMAKE_COMMAND} -E env CC=${CMAKE_C_COMPILER} ${PROJECT_SOURCE_DIR}/test/model/wrap-atomics
      ${PROJECT_SOURCE_DIR}/include "" "tally__chaos()"
    OUTPUT_FILE ${TALLY_CHAOS_INCLUDE}/chaos_places.h COMMAND_ERROR_IS_FATAL ANY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/include/tally/atomic.h ${PROJECT_SOURCE_DIR}/test/model/wrap-atomics)
  include_directories(BEFORE ${PROJECT_SOURCE_DIR}/test/chaos/include ${TALLY_CHAOS_INCLUDE})
endif()
