"""How fast specnet is beside its peers: `python -m benchmarks` measures it on this machine."""
