"""Functions over vectors, written with llvmlite and compiled without Numba."""

from __future__ import annotations

from ctypes import CFUNCTYPE, c_int64

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import llvmlite.binding as llvm
from llvmlite import ir

from specnet.engines.numba.addresses import address_of
from specnet.engines.numba.vector_code import VectorCode, constant, function_of


def compiled(arguments, write):
    """Return a function of so many integers, and what keeps its code."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = ir.Module("tried")
    made = function_of(module, "tried", arguments, write)
    assert function_of(module, "tried", arguments, write) is made  # written once
    made.linkage = "external"
    machine = llvm.Target.from_default_triple().create_target_machine()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(str(module)), machine)
    engine.finalize_object()
    return CFUNCTYPE(None, *[c_int64] * arguments)(engine.get_function_address("tried")), engine


@pytest.mark.parametrize("perhaps_none", [True, False])
def test_a_loop_hands_its_states_on(perhaps_none):
    def write(function):
        code = VectorCode(function, 8, 32)
        count, table, out = function.args
        step = code.entry(table, 1)
        (total,) = code.loop(
            count, [constant(5)], lambda states: [code.builder.add(*states, step)], perhaps_none=perhaps_none
        )
        code.builder.store(total, code.builder.inttoptr(out, total.type.as_pointer()))
        code.builder.ret_void()

    function, _engine = compiled(3, write)
    table, out = np.array([0, 7]), np.zeros(1, np.int64)
    for count in range(1 - perhaps_none, 4):
        function(count, address_of(table), address_of(out))
        assert out == 5 + 7 * count


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize(("dtype", "lanes"), [("float32", 8), ("float64", 4)])
def test_vectors_are_read_multiplied_and_written(dtype, lanes, masked):
    def write(function):
        code = VectorCode(function, np.dtype(dtype).itemsize, 32)
        *places, count = function.args
        x, y = map(code.address, places)
        mask = code.mask_of(count) if masked else None
        code.prefetch(x, writes=False)
        factor = code.spread(ir.Constant(code.real, 3.0), code.vector)
        code.put(code.plus(code.read(x, mask), factor, code.read(y, mask)), y, mask)
        code.builder.ret_void()

    function, _engine = compiled(3, write)
    x, y = np.arange(10, dtype=dtype), np.ones(10, dtype)
    function(address_of(x), address_of(y), 3)
    count = 3 if masked else lanes
    np.testing.assert_array_equal(y[:count], 3 * x[:count] + 1)
    np.testing.assert_array_equal(y[count:], 1)
