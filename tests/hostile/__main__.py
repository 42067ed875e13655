"""Run the fuzzers and killers for hours, or one case again that has failed."""

from __future__ import annotations

import argparse
import random
import sys
import time

from tests.hostile.cases import KINDS, run_cases


def main() -> int:
    """Take the arguments, and run cases until the time is over or one fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--hours", type=float, default=0.02, help="how long to go on")
    parser.add_argument("--kind", choices=KINDS, help="only cases of this kind")
    parser.add_argument("--seed", type=int, help="the first case; drawn if left out")
    parser.add_argument("--cases", type=int, help="how many cases of each kind, whatever the time")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(10**9) if given.seed is None else given.seed
    kinds = [given.kind] if given.kind else list(KINDS)
    until = time.monotonic() + 3600 * given.hours
    done = 0
    while (done < given.cases) if given.cases is not None else time.monotonic() < until:
        for kind in kinds:
            run_cases(kind, [seed + done])
        done += 1
    sys.stdout.write(f"{done} cases of {', '.join(kinds)} from seed {seed}: no fault\n")
    return 0


sys.exit(main())
