"""Radial basis functions: the distances are PyTorch's `cdist`, by differences."""

from __future__ import annotations

import torch

from tests.support.layer_cases import Row

L1, L2 = {"type": "l1", "factor": 0.1}, {"type": "l2", "factor": 0.2}
FUNCTIONS = {
    "gaussian": lambda r: torch.exp(-(r**2)),
    "multiquadric": lambda r: torch.sqrt(1.0 + r**2),
    "inverse_multiquadric": lambda r: torch.rsqrt(1.0 + r**2),
    "quadratic": lambda r: r**2,
}


def of_distances(function):
    def meant(x, p):
        flat = x.reshape(-1, x.shape[-1])
        r = torch.cdist(flat, p["centers"].T, compute_mode="donot_use_mm_for_euclid_dist") * p["scales"]
        return FUNCTIONS[function](r).reshape(*x.shape[:-1], -1)

    return meant


def penalty(p):
    return 0.2 * (p["centers"] ** 2).sum() + 0.1 * p["scales"].abs().sum()


ROWS = [
    *(
        Row(
            {"type": "rbf", "units": 4, "function": function},
            shape,
            of_distances(function),
            {"centers": (3, 4), "scales": (4,)},
        )
        for function in FUNCTIONS
        for shape in [(3,), (2, 3)]
    ),
    Row(
        {
            "type": "rbf",
            "units": 2,
            "centers_init": "he_normal",
            "scales_init": {"type": "constant", "value": 0.5},
            "centers_regularizer": L2,
            "scales_regularizer": L1,
        },
        (3,),
        of_distances("gaussian"),
        {"centers": (3, 2), "scales": (2,)},
        penalty=penalty,
    ),
]
