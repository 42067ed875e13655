from __future__ import annotations

from specnet.diagnostics.codes.code import Code

LANGUAGE = (
    Code(
        "SN200",
        "more findings than are listed",
        "Of one document's findings the first two hundred are listed, and the others counted: a "
        "document with so many has been damaged, or is none.",
    ),
    Code(
        "SN201",
        "the language's version is missing or unknown",
        "A document begins with `specnet = 1`, the version of the language that it is written in, so "
        "that a later version can change without changing what the document means.",
        "specnet = 9\n",
        "specnet = 1\n",
    ),
    Code(
        "SN202",
        "a key is not a field of its table",
        "An unknown key would have no effect, so it is refused: a misspelled `learning_rate` that is "
        "passed over silently costs more than an error. Where the key is probably a misspelling of a "
        "field, or belongs in another table, the message says so.",
        "[training]\nepoch = 5\n",
        "[training]\nepochs = 5\n",
    ),
    Code(
        "SN203",
        "a key is missing",
        "The table cannot do without the field, and no default would be right for most documents.",
        '[[layers]]\ntype = "dense"\n',
        '[[layers]]\ntype = "dense"\nunits = 1\n',
    ),
    Code(
        "SN204",
        "a name is not a kind of its family",
        "Layers, activations, losses, optimizers and the like are named by their `type`, or by a bare "
        "name where no field is set. The message suggests the known name that is nearest in spelling, "
        "what another library's name is called here, and where a kind of another family belongs.",
        '[[layers]]\ntype = "Linear"\nunits = 1\n',
        '[[layers]]\ntype = "dense"\nunits = 1\n',
    ),
    Code(
        "SN205",
        "a table does not say its type",
        "Which fields a table may have depends on its kind, and the kind is what `type` names.",
        "[[layers]]\nunits = 1\n",
        '[[layers]]\ntype = "dense"\nunits = 1\n',
    ),
    Code(
        "SN206",
        "a value is of another type",
        'Types are taken at their word: `5` is no text, `"5"` no number, 1.0 no whole number and 1 '
        "not true. A whole number may stand wherever a number may.",
        '[[layers]]\ntype = "dense"\nunits = "1"\n',
        '[[layers]]\ntype = "dense"\nunits = 1\n',
    ),
    Code(
        "SN207",
        "a value is not among the choices",
        "The field takes one of a few words, which the message lists.",
        'dtype = "float16"\n',
        'dtype = "float32"\n',
    ),
    Code(
        "SN208",
        "a number is out of range",
        "The field's meaning, or its formula, holds only within the range that the message names. NaN "
        "and infinities are within no range.",
        '[[layers]]\ntype = "dropout"\nrate = 1.5\n',
        '[[layers]]\ntype = "dropout"\nrate = 0.5\n[[layers]]\ntype = "dense"\nunits = 1\n',
    ),
    Code(
        "SN209",
        "an array or a text has a wrong length or form",
        "The field takes an array of a certain number of elements, or a text of a certain form.",
        "layers = []\n",
        '[[layers]]\ntype = "dense"\nunits = 1\n',
    ),
    Code(
        "SN210",
        "settings contradict each other",
        "Each value is allowed by itself, and together they have no meaning.",
        '[data]\ntype = "synthetic"\nkind = "sine"\n[data.split]\nvalidation = 0.6\ntest = 0.5\n',
        '[data]\ntype = "synthetic"\nkind = "sine"\n[data.split]\nvalidation = 0.2\ntest = 0.2\n',
    ),
)
