from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from specnet.cli.given import must_exist
from specnet.cli.options import (
    EngineName,
    RunPath,
    RunPlugins,
    Text,
    TextStyle,
    Threads,
    option,
    whole_number,
)
from specnet.cli.terminal import data_file, write_json
from specnet.diagnostics import RunError

if TYPE_CHECKING:
    from specnet.model.generation.generating import Generation

SEPARATOR = "---"
"""The line between generated texts, which may contain line breaks."""

ABOUT = {
    "the prompt": "--prompt",
    "`source`": "--source",
    "the model takes no source": "--source",
    "stop": "--stop",
}
"""The option that a message is about, by how it begins."""


def generate(
    run: RunPath,
    prompt: Annotated[
        str | None,
        option(
            "--prompt",
            metavar="TEXT",
            help="What the text begins with; for a model without a vocabulary, indices such as '3 1 4'.",
        ),
    ] = None,
    source: Annotated[
        str | None,
        option(
            "--source",
            metavar="TEXT",
            help="What a sequence-to-sequence model reads; without a vocabulary, indices.",
        ),
    ] = None,
    tokens: Annotated[
        int, whole_number("--tokens", minimum=1, help="The maximum number of new tokens.")
    ] = 100,
    temperature: Annotated[
        float,
        typer.Option(
            "--temperature",
            metavar="NUMBER",
            min=0,
            help="What logits are divided by; 0 always takes the most probable token.",
        ),
    ] = 1.0,
    top_k: Annotated[
        int | None,
        whole_number(
            "--top-k", minimum=1, default=False, help="Draw from this many of the most probable tokens."
        ),
    ] = None,
    top_p: Annotated[
        float | None,
        option(
            "--top-p",
            metavar="SHARE",
            help="Draw from the fewest tokens whose probabilities add up to this.",
        ),
    ] = None,
    min_p: Annotated[
        float | None,
        option(
            "--min-p",
            metavar="SHARE",
            help="Draw from tokens with at least this fraction of the largest probability.",
        ),
    ] = None,
    repetition_penalty: Annotated[
        float,
        typer.Option(
            "--repetition-penalty",
            metavar="NUMBER",
            help="Above 1, tokens that have already appeared become less probable.",
        ),
    ] = 1.0,
    stop: Annotated[
        list[str] | None,
        option("--stop", metavar="TEXT", help="End before this text; may be given repeatedly."),
    ] = None,
    seed: Annotated[int, whole_number("--seed", minimum=0, help="The seed of the random draws.")] = 0,
    n: Annotated[int, whole_number("--n", "-n", minimum=1, help="The number of samples.")] = 1,
    beams: Annotated[
        int | None,
        whole_number(
            "--beams",
            minimum=1,
            default=False,
            help="Search for the most probable sequences with this many beams, and draw nothing.",
        ),
    ] = None,
    threads: Threads = None,
    engine: EngineName = None,
    plugins: RunPlugins = False,
    output: Text = TextStyle.TEXT,
) -> int:
    """Generate text with a finished run.

    The text is printed as it is generated, after the prompt. Several samples are separated by a line `---`, or are
    one per line if the model was trained on lines. The same seed gives the same samples. Any model can generate that
    predicts the next token of its own input; `specnet explain` says how it does, or which layer prevents it. JSON has
    the tokens of each sample with their log-probabilities.
    """
    must_exist(run)
    from specnet.model.averaged import AveragedModel
    from specnet.model.generation.task import NotGenerating
    from specnet.runs.averaging import load_any_model
    from specnet.storage.plugins import import_plugins

    if plugins:
        import_plugins(Path(run))
    model = load_any_model(run, threads, engine)
    if isinstance(model, AveragedModel):
        if Path(run).is_file():
            raise RunError(
                f"{run} contains {len(model.models)} models, and each generates samples of its own: name the run of one"
            )
        raise RunError(
            f"{run} has one model per fold, and each generates samples of its own: choose one, {run}/folds/1"
        )
    settings: dict[str, Any] = {
        "tokens": tokens,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "min_p": min_p,
        "repetition_penalty": repetition_penalty,
        "seed": seed,
        "n": n,
        "beams": beams,
    }
    try:
        made = model.generate(prompt, source=source, stop=stop or (), **settings)
    except NotGenerating as error:
        raise RunError(f"{run} cannot generate: {error}") from None
    except ValueError as error:
        raise _refused(str(error), settings) from None
    if output is TextStyle.JSON:
        read = {} if source is None else {"source": source}
        write_json({"run": run, **read, "prompt": made.prompt, **_data(made.finish())})
    else:
        _write(data_file(), made)
    return 0


def _refused(message: str, settings: Collection[str]) -> typer.BadParameter:
    """Return the error of an option that a message of the model is about."""
    name, _, rest = message.partition(" ")
    if name in settings:
        return typer.BadParameter(f"--{name.replace('_', '-')} {rest}")
    option = next((option for start, option in ABOUT.items() if message.startswith(start)), None)
    if message.startswith("`source` is missing"):
        message = "it is missing: the model reads a source before it generates"
    return typer.BadParameter(message, param_hint=option)


def _write(file: IO[str], made: Generation) -> None:
    """Write texts one after the other: the first as it is generated, the others once it is complete."""
    between = "\n" if made.ends else f"\n{SEPARATOR}\n"
    waiting: dict[int, list[str]] = {}
    current, samples = 0, made.samples
    file.write(made.prompt)
    try:
        for token in made:
            if token.sample != current:
                waiting.setdefault(token.sample, []).append(token.text)
            else:
                file.write(token.text)
                sys.stdout.flush()
            while current + 1 < len(samples) and samples[current].ended is not None:
                current += 1
                file.write(between + made.prompt + "".join(waiting.pop(current, ())))
                sys.stdout.flush()
    finally:
        # After an interruption, too, what follows in a terminal begins on a line of its own.
        file.write("\n")
        sys.stdout.flush()


def _data(made: Generation) -> dict[str, Any]:
    return {
        "samples": [
            {
                "text": sample.text,
                "ended": sample.ended,
                "log_probability": sample.log_probability,
                "tokens": [
                    {"token": made.token_name(token), "index": token, "log_probability": log_probability}
                    for token, log_probability in zip(sample.tokens, sample.log_probabilities, strict=True)
                ],
            }
            for sample in made.samples
        ]
    }
