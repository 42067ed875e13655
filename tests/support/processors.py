"""Code that Numba compiles for other processors than this one, which can execute it as well."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest


def run_as_if_on(name: str, features: str, code: str) -> str:
    """Return what a program prints whose functions are compiled for a processor by LLVM's names; skip it elsewhere."""
    from llvmlite.binding import get_host_cpu_features

    if platform.machine() != "x86_64":
        pytest.skip("needs an x86 processor")
    if "+avx2" in features and not get_host_cpu_features()["avx2"]:
        pytest.skip("the processor has no AVX2")
    # Numba compiles for the processor that the environment names.
    environment = os.environ | {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout.strip()


older_processors = pytest.mark.parametrize(
    ("name", "features"), [("haswell", "+avx,+avx2,+fma"), ("x86-64", "+sse2")], ids=["AVX2", "SSE2"]
)
