"""How large blocks are on each processor; what they compute is tried by compiled functions in test_vectors."""

from __future__ import annotations

import pytest

pytest.importorskip("llvmlite")

from specnet.engines.numba.blocks import BlockShape, block_shape

LINUX, MACOS = "x86_64-unknown-linux-gnu", "arm64-apple-darwin22"


@pytest.mark.parametrize(
    ("triple", "features", "expected"),
    [
        (LINUX, "+sse2,+avx,+avx512f", BlockShape(64, 8, 3)),
        (LINUX, "+sse2,+avx,-avx512f", BlockShape(32, 6, 2)),
        (LINUX, "+sse2,-avx", BlockShape(16, 6, 2, masks=False)),
        (MACOS, "+neon", BlockShape(16, 8, 3, masks=False)),
    ],
)
def test_sums_fill_the_registers_of_a_processor(triple: str, features: str, expected: BlockShape) -> None:
    assert block_shape(triple, features) == expected
    assert expected.rows * expected.vectors + expected.vectors < (32 if expected.rows == 8 else 16)
