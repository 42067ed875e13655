"""Attention and positions: PyTorch's own functions for what they do, and formulas for the rest."""

from __future__ import annotations

import math

import torch

from tests.support.layer_cases import Row

F = torch.nn.functional
L1, L2 = {"type": "l1", "factor": 0.1}, {"type": "l2", "factor": 0.2}
STEPS, IN = 5, 6
NAMES = ("query", "key", "value", "output")


def parameters(heads, size, shared, *, use_bias=True):
    widths = (heads * size, shared * size, shared * size, IN)
    found = {}
    for name, width in zip(NAMES, widths, strict=True):
        found[f"{name}.kernel"] = (heads * size if name == "output" else IN, width)
        if use_bias:
            found[f"{name}.bias"] = (width,)
    return found


def rotated(x, base):
    """Turn (batch, heads, steps, size) as complex numbers, feature i with i + size / 2."""
    half = x.shape[-1] // 2
    pairs = torch.complex(x[..., :half], x[..., half:])
    speeds = base ** (-torch.arange(half, dtype=x.dtype) / half)
    angles = torch.arange(x.shape[-2], dtype=x.dtype)[:, None] * speeds
    turned = pairs * torch.polar(torch.ones_like(angles), angles)
    return torch.cat([turned.real, turned.imag], -1)


def attention(heads, size, shared, *, causal=False, window=None, positions=None, base=10000.0):
    def meant(x, p):
        def split(name, count):
            y = F.linear(x, p[f"{name}.kernel"].T, p.get(f"{name}.bias"))
            return y.unflatten(-1, (count, size)).transpose(1, 2)

        q, k, v = split("query", heads), split("key", shared), split("value", shared)
        if positions == "rotary":
            q, k = rotated(q, base), rotated(k, base)
        apart = torch.arange(STEPS)[:, None] - torch.arange(STEPS)
        seen = torch.ones(STEPS, STEPS, dtype=torch.bool)
        seen = seen & (apart >= 0) if causal else seen
        seen = seen if window is None else seen & (apart.abs() < window)
        slopes = torch.tensor([2.0 ** (-8 * (n + 1) / heads) for n in range(heads)], dtype=x.dtype)
        bias = (
            -slopes[:, None, None] * apart.abs()
            if positions == "alibi"
            else torch.zeros(STEPS, STEPS, dtype=x.dtype)
        )
        mask = torch.where(seen, bias, -torch.inf)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=shared < heads)
        return F.linear(y.transpose(1, 2).flatten(2), p["output.kernel"].T, p.get("output.bias"))

    return meant


def row(options, meant=None, **more):
    heads = options.get("heads", 1)
    size = options.get("head_dim", IN // heads)
    shared = options.get("kv_heads", heads)
    known = {key: options[key] for key in ("causal", "window", "positions") if key in options}
    if "rotary_base" in options:
        known["base"] = options["rotary_base"]
    made = meant or attention(heads, size, shared, **known)
    declared = parameters(heads, size, shared, use_bias=options.get("use_bias", True))
    return Row({"type": "attention", **options}, (STEPS, IN), made, declared, **more)


def squares(p):
    return sum((p[f"{name}.kernel"] ** 2).sum() for name in NAMES)


def sizes(p):
    return sum(p[f"{name}.bias"].abs().sum() for name in NAMES)


def sinusoids(x, _):
    t = torch.arange(x.shape[1], dtype=x.dtype)[:, None]
    even = torch.arange(0, x.shape[2], 2, dtype=x.dtype)
    angles = t * torch.exp(even * (-math.log(10000.0) / x.shape[2]))
    table = torch.stack([torch.sin(angles), torch.cos(angles)], -1).flatten(1)
    return x + table[:, : x.shape[2]]


BLOCK = {"activation": "relu", "hidden_units": 7, "heads": 2}
PARTS = {"attention_norm": "norm1", "mlp_norm": "norm2"}


def block_parameters(options):
    """Return the parameters of a block, in the order in which it declares them."""
    heads, size = options["heads"], options.get("head_dim", IN // options["heads"])
    shared, use_bias = options.get("kv_heads", heads), options.get("use_bias", True)
    inner = parameters(heads, size, shared, use_bias=use_bias)
    attention = {f"attention.{name}": shape for name, shape in inner.items()}
    wide = options.get("hidden_units", 4 * IN)
    mlp = {}
    for name, (n, units) in {
        "hidden": (IN, wide),
        **({"gate": (IN, wide)} if options.get("gated") else {}),
        "output": (wide, IN),
    }.items():
        mlp[f"{name}.kernel"] = (n, units)
        if use_bias:
            mlp[f"{name}.bias"] = (units,)
    norms = [
        {f"{name}_norm.gamma": (IN,)}
        | ({f"{name}_norm.beta": (IN,)} if options.get("norm") != "rms_norm" else {})
        for name in ("attention", "mlp")
    ]
    first = options.get("norm_first", True)
    parts = [norms[0], attention, norms[1], mlp] if first else [attention, norms[0], mlp, norms[1]]
    return {name: shape for part in parts for name, shape in part.items()}


def encoder_layer(options):
    """Return what PyTorch's own layer makes of our parameters."""

    def meant(x, p):
        made = torch.nn.TransformerEncoderLayer(
            IN,
            options["heads"],
            options["hidden_units"],
            dropout=0.0,
            activation=options["activation"],
            layer_norm_eps=options.get("epsilon", 1e-5),
            batch_first=True,
            norm_first=options.get("norm_first", True),
            bias=options.get("use_bias", True),
            dtype=x.dtype,
        )
        three = ("query", "key", "value")
        named = {
            "self_attn.in_proj_weight": torch.cat([p[f"attention.{n}.kernel"].T for n in three]),
            "self_attn.in_proj_bias": torch.cat([p[f"attention.{n}.bias"] for n in three]),
            "self_attn.out_proj.weight": p["attention.output.kernel"].T,
            "self_attn.out_proj.bias": p["attention.output.bias"],
            **{f"linear{i}.weight": p[f"{n}.kernel"].T for i, n in ((1, "hidden"), (2, "output"))},
            **{f"linear{i}.bias": p[f"{n}.bias"] for i, n in ((1, "hidden"), (2, "output"))},
            **{f"{theirs}.weight": p[f"{ours}.gamma"] for ours, theirs in PARTS.items()},
            **{f"{theirs}.bias": p[f"{ours}.beta"] for ours, theirs in PARTS.items()},
        }
        seen = torch.ones(STEPS, STEPS, dtype=torch.bool).tril() if options.get("causal") else None
        mask = None if seen is None else ~seen
        return torch.func.functional_call(made, named, (x,), {"src_mask": mask})

    return meant


def block(options):
    """Return what the formulas of a block say."""

    def meant(x, p):
        def norm(name, x):
            if options.get("norm") == "rms_norm":
                return F.rms_norm(x, (IN,), p[f"{name}.gamma"], options.get("epsilon", 1e-5))
            return F.layer_norm(x, (IN,), p[f"{name}.gamma"], p[f"{name}.beta"], options.get("epsilon", 1e-5))

        def dense(name, x):
            return F.linear(x, p[f"{name}.kernel"].T, p.get(f"{name}.bias"))

        heads = options["heads"]
        known = {key: options[key] for key in ("causal", "window", "positions") if key in options}
        known |= {"base": options["rotary_base"]} if "rotary_base" in options else {}
        size, shared = options.get("head_dim", IN // heads), options.get("kv_heads", heads)
        own = {n.removeprefix("attention."): v for n, v in p.items() if n.startswith("attention.")}
        x = x + attention(heads, size, shared, **known)(norm("attention_norm", x), own)
        y = norm("mlp_norm", x)
        function = {"silu": F.silu, "gelu": F.gelu}[options.get("activation", "gelu")]
        hidden = function(dense("hidden", y))
        return x + dense("output", hidden * dense("gate", y) if options.get("gated") else hidden)

    return meant


def block_row(options, meant, **more):
    return Row(
        {"type": "transformer_block", **options}, (STEPS, IN), meant, block_parameters(options), **more
    )


def block_penalty(p):
    kernels = sum((v**2).sum() for n, v in p.items() if n.endswith("kernel"))
    return 0.2 * kernels + 0.1 * sum(v.abs().sum() for n, v in p.items() if n.endswith(".bias"))


LLAMA = {
    "heads": 4,
    "head_dim": 2,
    "kv_heads": 2,
    "causal": True,
    "positions": "rotary",
    "rotary_base": 50.0,
    "window": 3,
    "norm": "rms_norm",
    "epsilon": 1e-6,
    "use_bias": False,
    "activation": "silu",
    "gated": True,
    "hidden_units": 9,
}

ROWS = [
    *(
        block_row(options, encoder_layer(options))
        for options in (BLOCK, {**BLOCK, "norm_first": False}, {**BLOCK, "causal": True, "epsilon": 1e-3})
    ),
    block_row({"heads": 2}, block({"heads": 2})),
    block_row(LLAMA, block(LLAMA)),
    block_row(
        changed := {
            "heads": 2,
            "kernel_init": "he_normal",
            "bias_init": {"type": "normal", "stddev": 0.3},
            "kernel_regularizer": L2,
            "bias_regularizer": L1,
        },
        block(changed),
        penalty=block_penalty,
    ),
    block_row({"heads": 2, "dropout": 0.3}, block({"heads": 2}), random=True),
    *(
        row(options)
        for options in (
            {},
            {"heads": 2},
            {"heads": 3, "head_dim": 4},
            {"heads": 2, "use_bias": False},
            {"heads": 2, "causal": True},
            {"heads": 4, "head_dim": 2, "kv_heads": 2},
            {"heads": 4, "head_dim": 2, "kv_heads": 1, "causal": True},
            {"heads": 2, "window": 2},
            {"heads": 2, "window": 3, "causal": True},
            {"heads": 3, "positions": "rotary"},
            {"heads": 2, "head_dim": 4, "positions": "rotary", "rotary_base": 100.0, "causal": True},
            {"heads": 4, "head_dim": 2, "kv_heads": 2, "positions": "alibi"},
            {"heads": 2, "positions": "alibi", "causal": True, "window": 3},
        )
    ),
    row(
        {
            "heads": 2,
            "kernel_init": "he_normal",
            "bias_init": {"type": "normal", "stddev": 0.3},
            "kernel_regularizer": L2,
            "bias_regularizer": L1,
        },
        penalty=lambda p: 0.2 * squares(p) + 0.1 * sizes(p),
    ),
    row({"heads": 2, "dropout": 0.3}, random=True),
    Row(
        {"type": "positional_embedding"},
        (STEPS, 3),
        lambda x, p: x + p["embeddings"],
        {"embeddings": (STEPS, 3)},
    ),
    Row(
        {"type": "positional_embedding", "embeddings_init": "normal", "embeddings_regularizer": L2},
        (STEPS, 3),
        lambda x, p: x + p["embeddings"],
        {"embeddings": (STEPS, 3)},
        penalty=lambda p: 0.2 * (p["embeddings"] ** 2).sum(),
    ),
    *(Row({"type": "positional_embedding", "kind": "sinusoidal"}, (STEPS, n), sinusoids) for n in (4, 3)),
]
