"""`generate` as a plain function, for models that predict the next token of their own input."""

from __future__ import annotations

from specnet.data.text.characters import Char
from specnet.data.text.vocabulary import Vocabulary
from specnet.engines.random import words
from specnet.interchange.numpy.layout import INDENT, WIDTH, indented
from specnet.interchange.numpy.program import Program
from specnet.model.compiled import CompiledModel
from specnet.model.generation.generating import STREAM
from specnet.model.generation.task import NotGenerating, Task
from specnet.model.generation.texts import IndexTokens, VocabularyTokens


def write_generate(model: CompiledModel, program: Program) -> None:
    """Write `generate`, if the model generates from its prompt alone.

    It calls `predict` for each token, on all tokens of the block, and keeps no states.
    """
    try:
        task = model.generation_plans.task
        if task.each:
            _ = model.generation_plans.first  # a layer may prevent it
    except NotGenerating:
        return
    if task.others:
        return
    vocabulary = None if model.encoding is None else model.encoding.vocabulary
    texts = IndexTokens(task.tokens) if vocabulary is None else VocabularyTokens(vocabulary)
    of_text = vocabulary is not None and isinstance(vocabulary.tokenizer, Char)
    if vocabulary is not None:
        _hold_tokens(program, vocabulary)
    program.functions.append(_function(program, task, texts, vocabulary if of_text else None))


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
    program: Program, task: Task, texts: IndexTokens | VocabularyTokens, spelled: Vocabulary | None
) -> list[str]:
    """Return the function; of a `spelled` vocabulary, it takes and returns text."""
    result = (
        "the text that follows a prompt"
        if spelled
        else "the tokens that follow those of a prompt, as indices"
    )
    least = 1 if task.each or texts.begin is not None else task.steps
    body = [
        f'"""Return {result}.',
        "",
        f"Each token is drawn from what `predict` gives for the last {task.steps} tokens; at temperature 0, the most",
        "probable one is taken. The draws are those of the first sample of `specnet generate` with the same seed.",
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
        "made = []",
        "for _ in range(tokens):",
        f"    last = sequence[-{task.steps}:]",
    ]
    if task.each:
        body += [
            f"    inputs = np.zeros((1, {task.steps}), np.int64)",
            "    inputs[0, : len(last)] = last",
            "    probabilities = predict(inputs)[0, len(last) - 1]  # of what follows the last token",
        ]
    else:
        filled = f"[{texts.begin}] * ({task.steps} - len(last)) + last" if texts.begin is not None else "last"
        body.append(f"    probabilities = predict([{filled}])[0]")
    body += [
        "    with np.errstate(divide='ignore'):",
        "        scores = np.log(probabilities.astype(np.float64))",
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
    body += ["    sequence.append(token)", "    made.append(token)"]
    body.append('return "".join(vocabulary[token] for token in made)' if spelled else "return made")
    return ["def generate(prompt, tokens=100, temperature=1.0, seed=0):", *indented(body)]
