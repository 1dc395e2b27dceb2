"""The harness of the benchmarks; tools/bench runs it."""
