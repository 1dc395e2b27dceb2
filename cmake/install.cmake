# Headers, libraries, the command, and what pkg-config and CMake need to find them.
