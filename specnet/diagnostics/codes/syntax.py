from __future__ import annotations

from specnet.diagnostics.codes.code import Code

SYNTAX = (
    Code(
        "SN101",
        "the text is not TOML or JSON",
        "The document cannot be read at this place, so nothing after it is checked. The commonest "
        "causes are text without quotes, a bracket or quote that is not closed, and Python's or "
        "YAML's notation. NaN and infinities, which some programs write into JSON, are no JSON.",
        'name = "first try\n',
        'name = "first try"\n',
    ),
    Code(
        "SN102",
        "a key or a table is given twice",
        "Two values for one key contradict each other, and which of them a reader takes is chance: "
        "both places are shown, and one of them has to go. TOML also takes `[a]` after `a = {...}` or "
        "after `a.b = 1` for a second `a`.",
        "seed = 1\nseed = 2\n",
        "seed = 2\n",
    ),
    Code(
        "SN103",
        "the file is not UTF-8",
        "A document is text in UTF-8, with or without a byte order mark. Editors on Windows may save "
        "as UTF-16 or in a national code page; saving again as UTF-8 cures it.",
    ),
    Code(
        "SN104",
        "the document is empty",
        "There is no key in it. The smallest document has `specnet`, `data`, `layers` and `loss`.",
    ),
    Code(
        "SN105",
        "arrays and tables nest too deeply",
        "Nothing that a document says needs more than a hundred levels of arrays and tables within "
        "each other; a text that has them is damaged, or made to exhaust whatever reads it.",
        "metrics = " + "[" * 101 + "]" * 101 + "\n",
        'metrics = ["mse"]\n',
    ),
    Code(
        "SN106",
        "the document is not an object",
        "A JSON document is one object in braces, whose keys are those that a TOML document has.",
        '[{"specnet": 1}]',
        '{"specnet": 1}',
        "json",
    ),
    Code(
        "SN107",
        "a number has thousands of digits",
        "Reading a number takes time that grows with the square of its digits; one of more than 4300 "
        "digits is refused unread.",
        "seed = " + "1" * 4400 + "\n",
        "seed = 1111\n",
    ),
    Code(
        "SN108",
        "an override cannot be read",
        "What `--set` takes is `key=value`, where the key is a path with points (an array's elements "
        "count from 0) and the value is TOML. Text therefore stands in quotes, around which a shell "
        "needs quotes of its own: `--set 'loss=\"mse\"'`.",
        "loss=mse",
        'loss="mse"',
        "flag",
    ),
    Code(
        "SN109",
        "an override does not fit the document",
        "The key path leads through a number or a truth value, or to an element that an array does "
        "not have. Tables that are missing on the way are made, elements are not.",
        "layers.7.units=5",
        "layers.0.units=1",
        "flag",
    ),
)
