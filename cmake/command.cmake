# The command `tally`: a file per verb, public headers only.
file(GLOB TALLY_COMMAND_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cmd/tally/*.c)
add_executable(tally_command ${TALLY_COMMAND_SOURCES})
set_target_properties(tally_command PROPERTIES OUTPUT_NAME tally RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
target_compile_definitions(tally_command PRIVATE _GNU_SOURCE
  TALLY_ARCH="${TALLY_ARCH}"
  TALLY_LIBDIR="${CMAKE_INSTALL_LIBDIR}"
  TALLY_INCLUDEDIR="${CMAKE_INSTALL_INCLUDEDIR}")
target_compile_options(tally_command PRIVATE ${TALLY_WARNINGS} ${TALLY_SANITIZE_OPTIONS})
target_link_options(tally_command PRIVATE ${TALLY_SANITIZE_OPTIONS})
target_link_libraries(tally_command PRIVATE tally)

# `tally run` finds headers and libraries beside itself, here as where it is installed (cmd/tally/places.c).
file(CREATE_LINK ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include SYMBOLIC)
