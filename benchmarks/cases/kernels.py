"""Single layers, forward and backward: kernels of both engines, compared with PyTorch's, on one thread."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import thread_time

from benchmarks.case import Case, Peer, Peers, Setting

ENGINE = {"NumPy engine": "numpy", "compiled": "numba"}


def layer(name: str, setting: Setting) -> Peers:
    """Return a layer's kernel and that of its gradients, one after the other."""
    import torch

    from benchmarks import kernels

    torch.set_num_threads(1)
    forward, backward = (getattr(kernels, each)() for each in (name, f"{name}_grad"))

    def timed(one: Callable[[], object], other: Callable[[], object]) -> float:
        one()
        other()
        began = thread_time()
        one()
        other()
        return thread_time() - began

    peers = {ENGINE.get(peer, peer): partial(timed, forward[peer], backward[peer]) for peer in forward}
    return {
        peer: call for peer, call in peers.items() if peer not in ENGINE.values() or peer in setting.engines
    }


CASES = [
    Case(
        name.replace("_", "-"),
        f"{work}, forward and backward, one thread",
        (Peer("PyTorch", *wanted),),
        partial(layer, name),
        ("numba",),
        unit="pass",
    )
    for name, work, wanted in (
        ("depthwise", "depthwise 3 x 3 over 32 images of 28 x 28 x 64", (0.33, 1.0)),
        ("layer_norm", "layer_norm over 25,088 rows of 64", (0.38, 1.2)),
        ("group_norm", "group_norm over 32 images of 28 x 28 x 64", (0.8, 1.2)),
    )
]
