"""The text of a plan's compiled loops."""

from __future__ import annotations

import hashlib
from functools import cache

from specnet.engines.numba.keeping import package_digest

IMPORTS = """\
from specnet.engines.numba.drawing import *
from specnet.engines.numba.fetching import *
from specnet.engines.numba.language import *
from specnet.engines.numba.matrices import *
from specnet.engines.numba.small import *
from specnet.engines.numba.table_calls import *
from specnet.engines.numba.threads import *"""


def loop_name(loop: str) -> str:
    """Return the name of a loop's function."""
    return f"loop_{hashlib.sha256((package_digest() + loop).encode()).hexdigest()[:32]}"


@cache
def written(loops: tuple[str, ...]) -> tuple[str, str]:
    """Return the name and the source of the function that runs any of some loops.

    Functions are named by their text, since the names of all loaded code are looked up in one place.
    """
    named, digests = [], []
    for loop in loops:
        digests.append(loop_name(loop))
        named.append("@inner\n" + loop.replace("{name}", digests[-1]))
    name = "plan_" + hashlib.sha256("\n".join(digests).encode()).hexdigest()
    branches = [
        f"    {'el' if number else ''}if number == {number}:\n        {digest}(table)"
        for number, digest in enumerate(digests)
    ]
    run = "\n".join([f"def {name}(number, table):", *branches])
    return name, "\n\n\n".join([IMPORTS, *(each.rstrip() for each in named), run]) + "\n"
