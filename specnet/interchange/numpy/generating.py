"""`generate` as a plain function, for models that predict the next token of their own input."""

from __future__ import annotations

import re
from collections.abc import Mapping

from specnet.data.text.characters import Char
from specnet.data.text.vocabulary import Vocabulary
from specnet.engines.numpy.names import Names
from specnet.engines.numpy.printer import NumpyPrinter
from specnet.engines.random import words
from specnet.graph.declarations import CARRIED
from specnet.graph.graph import Value
from specnet.graph.leaves import leaves, role_of
from specnet.graph.sizes import at
from specnet.graph.streaming import NEVER, POSITION
from specnet.interchange.numpy.layout import INDENT, WIDTH, indented
from specnet.interchange.numpy.prediction import held_tables
from specnet.interchange.numpy.program import Program
from specnet.model.compiled import CompiledModel
from specnet.model.generation.generating import STREAM
from specnet.model.generation.graphs import LOGITS, StepsGraph
from specnet.model.generation.task import NotGenerating, Task
from specnet.model.generation.texts import IndexTokens, VocabularyTokens
from specnet.passes.readable import readable
from specnet.passes.simplify import simplify

PLACES = "places/"
"""How the names of the leaves begin that say which step each place of a ring belongs to."""

AFTER = "after"
"""The function that reads one token, with the states of those before it."""


def write_generate(model: CompiledModel, program: Program, variables: Mapping[str, str]) -> None:
    """Write `generate`, if the model generates from its prompt alone.

    It reads each token once, and keeps states, keys and values. Where a layer has no positions beyond the block, or
    each token is predicted from a fixed number of them, it calls `predict` for each token, on the last of them.
    """
    try:
        task = model.generation_plans.task
        # A layer may prevent it.
        steps = model.generation_plans.first if task.each else None
    except NotGenerating:
        return
    if task.others:
        return
    vocabulary = None if model.encoding is None else model.encoding.vocabulary
    texts = IndexTokens(task.tokens) if vocabulary is None else VocabularyTokens(vocabulary)
    of_text = vocabulary is not None and isinstance(vocabulary.tokenizer, Char)
    if vocabulary is not None:
        _hold_tokens(program, vocabulary)
    keeps = steps is not None and steps.bounded is None
    if steps is not None and keeps:
        program.functions.append(_after(steps, task, program, variables))
    program.functions.append(_function(program, task, texts, vocabulary if of_text else None, keeps=keeps))


def _after(steps: StepsGraph, task: Task, program: Program, variables: Mapping[str, str]) -> list[str]:
    """Return the function that reads one token: the logits of what follows it, and the states after it."""
    graph = readable(simplify(steps.graph))
    given = {name: leaf for name, leaf in leaves(graph).items() if role_of(leaf) == "state"}
    names = Names(["token", "states", "rows", "place", *variables.values()])
    states = {
        name: names.new(re.sub(r"\W", "_", name.removeprefix(CARRIED).removeprefix("past/")))
        for name in given
    }
    arrays = {**variables, **states, task.array.name: "token"}
    known = {leaf.index: arrays.get(name, name) for name, leaf in leaves(graph).items()}
    known |= held_tables(graph, program)
    printer = NumpyPrinter(graph, names, known)
    changed = {leaf.index: value for leaf, value in graph.assignments}
    rings = {name: ring for name, ring in steps.rings.items() if name in given}
    new = {name: graph.outputs[name] if name in rings else changed.get(v.index) for name, v in given.items()}
    logits = graph.outputs[LOGITS]
    printer.write([logits, *(value for value in new.values() if value is not None)], {logits.index: "logits"})
    program.helpers |= printer.helpers
    # What is kept of each of the last steps is written over what was kept of the oldest one.
    kept, results = [], []
    for name, value in new.items():
        ring = rings.get(name)
        if value is not None and ring is not None:
            before = ":, " * ring.axis
            place = f"place % {ring.length}"
            kept.append(f"{states[name]}[{before}{place}] = {printer.expression(value)}[{before}0]")
        elif name.startswith(PLACES):
            kept.append(f"{states[name]}[place % {given[name].shape[0]}] = place")
        written = value is not None and ring is None
        result = printer.expression(value) if value is not None and written else states[name]
        results.append(f"{result} + 1" if name == POSITION else result)
    if kept:
        kept.insert(0, f"place = int({states[POSITION]}[0])")
    lines = [
        '"""Return the logits of what follows a token, and the states after it; `states` are those before."""',
        "token = np.array([[token]])",
        *(["rows = 1"] if printer.rows_used else []),
        "if states is None:",
        "    states = [",
        *(f"        {_start(name, leaf)}," for name, leaf in given.items()),
        "    ]",
        f"[{', '.join(states.values())}] = states",
        *(line for line, _ in printer.lines),
        *kept,
        f"return {printer.expression(logits)}[0], [{', '.join(results)}]",
    ]
    return [f"def {AFTER}(token, states=None):", *indented(lines)]


def _start(name: str, leaf: Value) -> str:
    """Return what a state is before the first token."""
    shape = at(leaf.shape, 1)
    if name.startswith(PLACES):
        return f"np.full({shape}, {NEVER}, np.{leaf.dtype})"
    return f"np.zeros({shape}, np.{leaf.dtype})"


def _hold_tokens(program: Program, vocabulary: Vocabulary) -> None:
    """Give the vocabulary its variable."""
    lines = [INDENT]
    for each in map(repr, vocabulary.tokens):
        if len(lines[-1]) + len(each) > WIDTH:
            lines.append(INDENT)
        lines[-1] += f"{each}, "
    program.values += [
        "",
        "# The tokens by their indices.",
        "vocabulary = [",
        *(line.rstrip() for line in lines),
        "]",
    ]


def _function(
    program: Program,
    task: Task,
    texts: IndexTokens | VocabularyTokens,
    spelled: Vocabulary | None,
    *,
    keeps: bool,
) -> list[str]:
    """Return the function; of a `spelled` vocabulary, it takes and returns text.

    Where it `keeps` states, it reads each token once.
    """
    result = (
        "the text that follows a prompt"
        if spelled
        else "the tokens that follow those of a prompt, as indices"
    )
    drawn = f"what `predict` gives for the last {task.steps} tokens"
    if keeps:
        drawn = f"the logits that `{AFTER}` gives"
    least = 1 if task.each or texts.begin is not None else task.steps
    body = [
        f'"""Return {result}.',
        "",
        f"Each token is drawn from {drawn}; at temperature 0, the most probable one is",
        "taken. The draws are those of the first sample of `specnet generate` with the same seed.",
        '"""',
        f"entropy = [seed, {', '.join(map(str, words(STREAM.format(0))))}]",
        "generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))",
    ]
    if spelled:
        tokenizer = spelled.tokenizer
        if tokenizer.normalization != "none":
            program.modules.add("unicodedata")
            body.append(f'prompt = unicodedata.normalize("{tokenizer.normalization.upper()}", prompt)')
        if tokenizer.lowercase:
            body.append("prompt = prompt.lower()")
    start = "[vocabulary.index(letter) for letter in prompt]" if spelled else "list(prompt)"
    begin = f"[{texts.begin}] + " if texts.begin is not None else ""
    body += [
        f"sequence = {begin}{start}",
        f"assert len(sequence) >= {least}, 'the prompt is too short'",
        *(
            ["states = None", "for token in sequence:", f"    logits, states = {AFTER}(token, states)"]
            if keeps
            else []
        ),
        "made = []",
        "for _ in range(tokens):",
        *(["    scores = logits.astype(np.float64)"] if keeps else _scores(task, texts)),
    ]
    if texts.never:
        body.append(f"    scores[{list(texts.never)}] = -np.inf  # stand for no text")
    body += [
        f"    scores[{task.tokens}:] = -np.inf",
        "    if temperature == 0:",
        "        token = int(scores.argmax())",
        "    else:",
        "        bounds = np.cumsum(np.exp((scores - scores.max()) / temperature))",
        "        token = int((bounds > generator.random() * bounds[-1]).argmax())",
    ]
    if texts.end is not None:
        body += [f"    if token == {texts.end}:  # the end", "        break"]
    body += ["    made.append(token)"]
    body.append(f"    logits, states = {AFTER}(token, states)" if keeps else "    sequence.append(token)")
    body.append('return "".join(vocabulary[token] for token in made)' if spelled else "return made")
    return ["def generate(prompt, tokens=100, temperature=1.0, seed=0):", *indented(body)]


def _scores(task: Task, texts: IndexTokens | VocabularyTokens) -> list[str]:
    """Return the lines that read the last tokens again."""
    lines = [f"    last = sequence[-{task.steps}:]"]
    if task.each:
        lines += [
            f"    inputs = np.zeros((1, {task.steps}), np.int64)",
            "    inputs[0, : len(last)] = last",
            "    probabilities = predict(inputs)[0, len(last) - 1]  # of what follows the last token",
        ]
    else:
        filled = f"[{texts.begin}] * ({task.steps} - len(last)) + last" if texts.begin is not None else "last"
        lines.append(f"    probabilities = predict([{filled}])[0]")
    return [
        *lines,
        "    with np.errstate(divide='ignore'):",
        "        scores = np.log(probabilities.astype(np.float64))",
    ]
