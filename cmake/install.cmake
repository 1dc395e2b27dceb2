# Headers, libraries, the command, the manual, and what pkg-config and CMake need to find them. Everything finds
# the rest from where it is itself, so an installed tree may be moved. Libraries go to CMAKE_INSTALL_LIBDIR below
# the prefix: `lib` on Debian, for any prefix; packagers set it (make install LIBDIR=lib/x86_64-linux-gnu).
include(CMakePackageConfigHelpers)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/tally TYPE INCLUDE FILES_MATCHING PATTERN "*.h")

set(TALLY_PRODUCTS tally tally_shared)
if(TALLY_RACE_LIBRARY)
  list(APPEND TALLY_PRODUCTS tally_race)
endif()
install(TARGETS ${TALLY_PRODUCTS} EXPORT tallyTargets)
if(TALLY_COMMAND)
  install(TARGETS tally_command)
  list(APPEND TALLY_PRODUCTS tally_command)
endif()
# What is installed, and no test.
add_custom_target(product DEPENDS ${TALLY_PRODUCTS})

set(TALLY_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/tally)
install(EXPORT tallyTargets NAMESPACE tally:: DESTINATION ${TALLY_CMAKE_DIR})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/tallyConfig.cmake.in
  ${PROJECT_BINARY_DIR}/tallyConfig.cmake INSTALL_DESTINATION ${TALLY_CMAKE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/tallyConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/tallyConfig.cmake ${PROJECT_BINARY_DIR}/tallyConfigVersion.cmake
  DESTINATION ${TALLY_CMAKE_DIR})

# The way up from the folder of tally.pc to the prefix.
file(RELATIVE_PATH TALLY_PC_TO_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
string(REGEX REPLACE "/$" "" TALLY_PC_TO_PREFIX ${TALLY_PC_TO_PREFIX})
configure_file(${PROJECT_SOURCE_DIR}/cmake/tally.pc.in ${PROJECT_BINARY_DIR}/tally.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/tally.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(FILES ${PROJECT_SOURCE_DIR}/tools/tally-gdb.py DESTINATION ${CMAKE_INSTALL_DATADIR}/tally)

foreach(section RANGE 1 8)
  file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/doc/man/*.${section})
  if(pages)
    install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
  endif()
endforeach()

# `man` finds the page of a call by the call's name: for each name in a page's synopsis there is a file that leads to
# it. X in a name stands for each of the atomic types; the ones that are no integers have the first calls only.
file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/doc/man/*.3)
foreach(page ${pages})
  cmake_path(GET page FILENAME file)
  set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${page})
  file(STRINGS ${page} lines REGEX "^\\.(Nm|Fn) (tally|TALLY)_")
  foreach(line ${lines})
    string(REGEX MATCH "(tally|TALLY)_[A-Za-z0-9_]+" call ${line})
    set(types X)
    if(call MATCHES "_X_(load|store|swap|compare_and_swap)$")
      set(types i32 i64 u32 u64 uptr bool ptr)
    elseif(call MATCHES "_X_")
      set(types i32 i64 u32 u64 uptr)
    endif()
    foreach(type ${types})
      string(REPLACE "_X_" "_${type}_" name ${call})
      if(NOT "${name}.3" STREQUAL file)
        file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/man3/${name}.3 CONTENT ".so man3/${file}\n")
        list(APPEND leading ${PROJECT_BINARY_DIR}/man3/${name}.3)
      endif()
    endforeach()
  endforeach()
endforeach()
list(REMOVE_DUPLICATES leading)
install(FILES ${leading} DESTINATION ${CMAKE_INSTALL_MANDIR}/man3)
