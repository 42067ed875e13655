"""What a generated token costs early and late in a text: near position 10, near position 1,000, and beyond the block.

    python benchmarks/generation.py                   # half a minute; the models are not trained

The positions take turns: several texts are generated at once, each far enough for its position, and one token of each
is timed after the other. Times are medians; floating-point operations are those of the plans that run.
"""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from side_by_side import machine

import specnet
from specnet.model.generation.stream import Stream

BLOCK, TOKENS, WIDTH = 1024, 65, 128
POSITIONS = (10, 1000, 2000)
ROUNDS = 60

BLOCK_LAYER = {"type": "transformer_block", "heads": 4, "causal": True}
MODELS: dict[str, list[dict[str, Any]]] = {
    "transformer, learned positions": [
        {"type": "positional_embedding"},
        {"type": "sequential", "repeat": 4, "layers": [BLOCK_LAYER]},
    ],
    "transformer, rotary": [
        {"type": "sequential", "repeat": 4, "layers": [{**BLOCK_LAYER, "positions": "rotary"}]},
    ],
    "transformer, window of 64": [
        {"type": "sequential", "repeat": 4, "layers": [{**BLOCK_LAYER, "window": 64}]},
    ],
    "lstm": [{"type": "lstm", "units": 256, "return_sequences": True}],
}


def model_of(layers: list[dict[str, Any]]) -> Any:
    tokens = np.arange(4 * (BLOCK + 1)).reshape(4, BLOCK + 1) % TOKENS
    document = {
        "specnet": 1,
        "data": {"type": "arrays"},
        "loss": "cross_entropy",
        "layers": [
            {"type": "embedding", "input_dim": TOKENS, "output_dim": WIDTH},
            *layers,
            {"type": "dense", "units": TOKENS},
        ],
        "training": {"batch_size": 1},
    }
    return specnet.compile(document, data=(tokens[:, :-1], tokens[:, 1:]))


def main() -> None:
    print(machine(), "\n")
    heads = [
        "model",
        *(f"ms at {position:,}" for position in POSITIONS),
        "1,000 / 10",
        "MFLOPs at 10 and 1,000",
    ]
    print("| " + " | ".join(heads) + " |\n| --- |" + " ---: |" * (len(heads) - 1))
    for name, layers in MODELS.items():
        model = model_of(layers)
        plans = model.generation_plans
        streams = [Stream(plans, model.leaves(), model.use, 1) for _ in POSITIONS]
        for stream, position in zip(streams, POSITIONS, strict=True):
            stream.feed(np.arange(position - ROUNDS // 2 if position > ROUNDS else 1)[None] % TOKENS)
        times: list[list[float]] = [[] for _ in POSITIONS]
        # The text near position 10 begins again before it is far from it.
        for number in range(ROUNDS):
            if number % 15 == 0:
                streams[0] = Stream(plans, model.leaves(), model.use, 1)
                streams[0].feed(np.arange(3)[None])
            for spent, stream in zip(times, streams, strict=True):
                started = perf_counter()
                stream.feed(np.array([[number % TOKENS]]))
                spent.append(perf_counter() - started)
        # The first token of a new text binds the plan.
        times[0] = [spent for number, spent in enumerate(times[0]) if number % 15]
        medians = [median(each) * 1e3 for each in times]
        flops = plans.of_steps(1, 1, opening=True).plan.flops() / 1e6
        cells = [f"{each:.2f}" for each in medians]
        print(f"| {name} | " + " | ".join(cells) + f" | {medians[1] / medians[0]:.2f} | {flops:.2f} |")


if __name__ == "__main__":
    main()
