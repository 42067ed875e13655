"""What a run imports, and when."""

from __future__ import annotations

import subprocess
import sys

from specnet.runs.experiments import LATER

PROGRAM = """
import sys
from specnet.runs.experiments import LATER, _imports
before = [name for name in LATER if name in sys.modules]
counts = [len(sys.modules) for _ in _imports()]
from specnet.runs import running
print(before, counts == sorted(set(counts)), len(sys.modules) - counts[-1])
"""


def test_what_a_run_needs_later_is_imported_a_part_at_a_time():
    told = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True).stdout
    assert told == "[] True 0\n"
    assert LATER[-1] == "specnet.runs.running"
