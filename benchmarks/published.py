"""Every shipped document that published results speak of, trained in full, next to what was published.

    SPECNET_DATA=... python benchmarks/published.py [--resume] [--only NAME ...]

Results are kept in `published.json` beside this file, by document, settings and seed. With `--resume` those that are
there are not computed again, so that the whole table, which takes hours, can be made in parts.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from time import perf_counter
from typing import Any

import specnet

SPECS = Path(__file__).parents[1] / "specs"
KEPT = Path(__file__).with_name("published.json")
TREC = {"variables.corpus": "TREC.train", "data.split": {}, "data.test": {"path": "sentences/TREC.test.all"}}


@dataclass(frozen=True)
class Case:
    """A document with settings, the figure that counts, what it must reach, and what was published."""

    spec: str
    what: str
    split: str
    figure: str
    wanted: float
    published: str
    settings: dict[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = (0,)

    @property
    def key(self) -> str:
        return f"{self.spec} {self.what}"


def ucr(spec: str, results: dict[str, float]) -> list[Case]:
    return [
        Case(
            spec,
            name,
            "test",
            "accuracy",
            round(result - 0.015, 3),
            str(result),
            {"variables.dataset": name},
            (0, 1, 2),
        )
        for name, result in results.items()
    ]


CASES = [
    Case("shakespeare", "characters", "validation", "loss", 1.85, "1.88 (nanoGPT, a sample)"),
    Case("shakespeare-lstm", "characters", "validation", "loss", 9.0, "a 5-gram model"),
    Case("shakespeare-gru", "characters", "validation", "loss", 9.0, "a 5-gram model"),
    Case("names", "transformer", "test", "loss", 1.95, "1.92 (makemore)"),
    Case("names-mlp", "MLP", "test", "loss", 2.10, "2.10 (makemore)"),
    *(
        case
        for spec, wanted, published in (
            ("text-cnn", (0.750, 0.885, 0.870), ("0.761", "0.896", "0.912")),
            ("text-transformer", (0.72, 0.87, 0.82), ("", "", "")),
        )
        for case in (
            Case(spec, "MR", "test", "accuracy", wanted[0], published[0]),
            Case(spec, "Subj", "test", "accuracy", wanted[1], published[1], {"variables.corpus": "subj"}),
            Case(spec, "TREC", "test", "accuracy", wanted[2], published[2], TREC, (0, 1, 2)),
        )
    ),
    *ucr("ucr-fcn", {"GunPoint": 1.000, "ArrowHead": 0.843, "ItalyPowerDemand": 0.963}),
    *ucr("ucr-resnet", {"GunPoint": 0.991, "ArrowHead": 0.838, "ItalyPowerDemand": 0.962}),
    Case("vowels", "JapaneseVowels", "test", "accuracy", 0.97, ""),
    Case("copy-task", "synthetic", "test", "accuracy", 1.0, ""),
    Case("adding", "synthetic", "test", "loss", 0.001, ""),
    Case("addition", "synthetic", "test", "exact_match", 0.99, ""),
]


def measured(case: Case, seed: int) -> dict[str, float]:
    """Train a document in full, and return the figure and the seconds that it took."""
    spec = specnet.load(SPECS / f"{case.spec}.toml", overrides={**case.settings, "seed": seed})
    began = perf_counter()
    result = specnet.run(spec)
    return {"value": result.splits[case.split][case.figure], "seconds": perf_counter() - began}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--resume", action="store_true", help="keep the results that there are")
    parser.add_argument("--only", nargs="+", default=[], help="documents, such as text-cnn")
    given = parser.parse_args()
    kept = json.loads(KEPT.read_text()) if given.resume and KEPT.exists() else {}
    print("| document | data | figure | measured | wanted | published | minutes |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for case in CASES:
        if given.only and case.spec not in given.only:
            continue
        own = kept.setdefault(case.key, {})
        for seed in case.seeds:
            if str(seed) not in own:
                own[str(seed)] = measured(case, seed)
                KEPT.write_text(json.dumps(kept, indent=1))
        values = [own[str(seed)]["value"] for seed in case.seeds]
        sign = "≤" if case.figure == "loss" else "≥"
        minutes = mean(own[str(seed)]["seconds"] for seed in case.seeds) / 60
        print(
            f"| {case.spec} | {case.what} | {case.split} {case.figure} | {mean(values):.4g} | {sign} {case.wanted:g} "
            f"| {case.published} | {minutes:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
