"""Training steps of an LSTM, a GRU and a character transformer, compared with PyTorch."""

from __future__ import annotations

from functools import partial

from benchmarks.case import Case, Peer, Peers, Setting


def step(kind: str, setting: Setting) -> Peers:
    """Return a step of each engine, of PyTorch, and of the products of the NumPy engine's step alone."""
    import torch

    from benchmarks import sequences

    torch.set_num_threads(setting.threads)
    found = {engine: sequences.training(kind, setting.threads, engine) for engine in setting.engines}
    peers = {engine: step for engine, (_, step) in found.items()} | {"PyTorch": sequences.pytorch(kind)}
    if "numpy" in found:
        peers["products alone"] = sequences.bare(found["numpy"][0])
    steps = setting.size(sequences.STEPS[kind], 1)
    return {name: sequences.taken(own, steps) for name, own in peers.items()}


CASES = [
    Case(name, work, (Peer("PyTorch", *wanted),), partial(step, name), rounds=60)
    for name, work, wanted in (
        ("lstm", "LSTM, 28 steps, width 128, batches of 64", (0.87, 1.15)),
        ("gru", "GRU, 28 steps, width 128, batches of 64", (1.1, 1.15)),
        ("transformer", "character transformer, 4 blocks, width 128, batches of 12", (0.8, 1.15)),
    )
]
