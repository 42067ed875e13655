"""`python -m specnet` is `specnet`."""

from __future__ import annotations

from specnet.cli import main

main()
