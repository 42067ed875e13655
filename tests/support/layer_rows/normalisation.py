"""Layers that normalise."""

from __future__ import annotations

import torch

from tests.support.layer_cases import Row

F = torch.nn.functional
L1, L2 = {"type": "l1", "factor": 0.1}, {"type": "l2", "factor": 0.2}
REGULARIZED = {
    "gamma_init": {"type": "constant", "value": 1.5},
    "beta_init": {"type": "normal", "stddev": 0.3},
    "gamma_regularizer": L2,
    "beta_regularizer": L1,
}


def penalty(p):
    return 0.2 * (p["gamma"] ** 2).sum() + 0.1 * p["beta"].abs().sum()


def both(*shape):
    return {"gamma": shape, "beta": shape}


def by_layer(*, last=1, epsilon=1e-3):
    return lambda x, p: F.layer_norm(x, x.shape[-last:], p.get("gamma"), p.get("beta"), epsilon)


def by_layer_over(axes, epsilon=1e-3):
    """Normalise over any axes: they are put last, in their order, and back."""

    def meant(x, p):
        ends = tuple(range(-len(axes), 0))
        y = torch.movedim(x, axes, ends)
        y = F.layer_norm(y, y.shape[-len(axes) :], p["gamma"], p["beta"], epsilon)
        return torch.movedim(y, ends, axes)

    return meant


def by_rms(*, last=1, epsilon=1e-6):
    return lambda x, p: F.rms_norm(x, x.shape[-last:], p.get("gamma"), epsilon)


def by_group(groups, epsilon=1e-3):
    def meant(x, p):
        y = F.group_norm(torch.movedim(x, -1, 1), groups, p.get("gamma"), p.get("beta"), epsilon)
        return torch.movedim(y, 1, -1)

    return meant


def by_batch(*, axis=-1, momentum=0.99, epsilon=1e-3):
    def meant(x, p):
        y = F.batch_norm(
            torch.movedim(x, axis, 1),
            p["moving_mean"],
            p["moving_variance"],
            p.get("gamma"),
            p.get("beta"),
            p.training,
            1.0 - momentum,
            epsilon,
        )
        return torch.movedim(y, 1, axis)

    return meant


def batch(shape, options=(), features=3, **settings):
    """Return a row of batch_norm; PyTorch takes no batch of one row where there is one place."""
    options = {"type": "batch_norm", **dict(options)}
    names = [name for name, switch in (("gamma", "scale"), ("beta", "center")) if options.get(switch, True)]
    return Row(
        options,
        shape,
        by_batch(**settings),
        dict.fromkeys(names, (features,)),
        {"moving_mean": (features,), "moving_variance": (features,)},
        batches=(2, 5) if len(shape) == 1 else (1, 5),
        penalty=penalty if "gamma_regularizer" in options else None,
    )


def by_neighbours(size=5, alpha=1e-4, beta=0.75, k=1.0):
    def meant(x, _):
        y = F.local_response_norm(
            torch.movedim(x, -1, 1).reshape(len(x), x.shape[-1], -1), size, alpha, beta, k
        )
        return torch.movedim(y.reshape(len(x), x.shape[-1], *x.shape[1:-1]), 1, -1)

    return meant


ROWS = [
    Row({"type": "local_response_norm"}, (7,), by_neighbours()),
    Row(
        {"type": "local_response_norm", "size": 4, "alpha": 0.5, "beta": 0.3},
        (3, 6),
        by_neighbours(4, 0.5, 0.3),
    ),
    Row(
        {"type": "local_response_norm", "size": 1, "alpha": 2.0, "k": 0.4},
        (2, 3, 2),
        by_neighbours(1, 2.0, k=0.4),
    ),
    Row({"type": "local_response_norm", "size": 9, "alpha": 3.0}, (2, 2, 5), by_neighbours(9, 3.0)),
    *(Row({"type": "layer_norm"}, (*lead, 6), by_layer(), both(6)) for lead in [(), (4,), (2, 3)]),
    Row({"type": "layer_norm", "scale": False}, (6,), by_layer(), {"beta": (6,)}),
    Row({"type": "layer_norm", "center": False}, (4, 6), by_layer(), {"gamma": (6,)}),
    Row({"type": "layer_norm", "scale": False, "center": False, "epsilon": 0.5}, (6,), by_layer(epsilon=0.5)),
    Row({"type": "layer_norm", **REGULARIZED}, (4, 6), by_layer(), both(6), penalty=penalty),
    Row({"type": "layer_norm", "axis": [1, 2]}, (4, 6), by_layer(last=2), both(4, 6)),
    Row({"type": "layer_norm", "axis": [-2, -1]}, (2, 4, 3), by_layer(last=2), both(4, 3)),
    Row({"type": "layer_norm", "axis": 1}, (4, 3), by_layer_over((1,)), both(4)),
    Row({"type": "layer_norm", "axis": [3, 1]}, (4, 2, 3), by_layer_over((3, 1)), both(3, 4)),
    *(Row({"type": "rms_norm"}, (*lead, 6), by_rms(), {"gamma": (6,)}) for lead in [(), (2, 3)]),
    Row({"type": "rms_norm", "scale": False, "epsilon": 0.5}, (6,), by_rms(epsilon=0.5)),
    Row({"type": "rms_norm", "axis": [1, 2]}, (4, 6), by_rms(last=2), {"gamma": (4, 6)}),
    Row(
        {"type": "rms_norm", "gamma_init": {"type": "constant", "value": 1.5}, "gamma_regularizer": L2},
        (4, 6),
        by_rms(),
        {"gamma": (6,)},
        penalty=lambda p: 0.2 * (p["gamma"] ** 2).sum(),
    ),
    *(
        Row({"type": "group_norm", "groups": groups}, (*lead, 6), by_group(groups), both(6))
        for groups in (1, 2, 3)
        for lead in [(), (4,), (2, 3)]
    ),
    Row({"type": "group_norm", "groups": 6}, (4, 6), by_group(6), both(6)),
    Row({"type": "group_norm"}, (2, 64), by_group(32), both(64)),
    Row({"type": "group_norm", "groups": 2, **REGULARIZED}, (3, 4), by_group(2), both(4), penalty=penalty),
    Row(
        {"type": "group_norm", "groups": 2, "scale": False, "center": False, "epsilon": 0.5},
        (3, 4),
        by_group(2, 0.5),
    ),
    *(Row({"type": "instance_norm"}, (*lead, 3), by_group(3), both(3)) for lead in [(5,), (4, 2)]),
    Row({"type": "instance_norm", **REGULARIZED}, (5, 3), by_group(3), both(3), penalty=penalty),
    Row({"type": "instance_norm", "scale": False, "center": False, "epsilon": 0.5}, (5, 3), by_group(3, 0.5)),
    *(batch((*lead, 3)) for lead in [(), (4,), (2, 5)]),
    batch((2, 5, 3), {"momentum": 0.7, "epsilon": 0.5}, momentum=0.7, epsilon=0.5),
    batch((4, 3), {"scale": False}),
    batch((4, 3), {"center": False}),
    batch((4, 3), {"scale": False, "center": False}),
    batch((4, 3), REGULARIZED),
    batch((3, 4), {"axis": 1}, axis=1),
    batch((2, 3, 5), {"axis": -2}, axis=2),
    batch(
        (4, 3),
        {
            "moving_mean_init": {"type": "constant", "value": 0.5},
            "moving_variance_init": {"type": "constant", "value": 2.0},
        },
    ),
]
