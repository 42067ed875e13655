"""Fuzzers and killers; FOUND.md tells what they have found. `python -m tests.hostile --hours 1` runs them at length."""
