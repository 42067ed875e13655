"""Formulas as NumPy statements that allocate nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import frexp, inf

from specnet.graph.formulas.formula import Call, Name, Number, Term, calls, is_truth, parse, with_numbers
from specnet.graph.formulas.primitives import primitive
from specnet.graph.record import LETTERS


@dataclass(frozen=True, slots=True)
class FormulaStatements:
    """The statements of a formula, in which `{o}` is the output, and `{s}`, `{s2}`, ... are scratch."""

    text: str
    scratch: tuple[bool, ...]
    """For each scratch array, whether it holds truth values instead of numbers."""
    in_place: bool
    """Whether the output may be an input's memory: all inputs have been read when it is first written."""


@cache
def statements(text: str, truths: str = "") -> FormulaStatements:
    """Return the statements of a formula with the least scratch; the inputs among `truths` hold truth values.

    Operands are computed one after the other, and either may be the first: all orders are tried.
    """
    term = _as_numpy_computes(with_numbers(parse(text).term, truths))
    found = (_Registers(order).allocate() for order in _orders(term))
    return min(found, key=lambda each: (not each.in_place, len(each.scratch)))


def _as_numpy_computes(term: Term) -> Term:
    """Return a term with the same bits that takes less time where NumPy has a way."""
    if not isinstance(term, Call):
        return term
    operands = tuple(map(_as_numpy_computes, term.operands))
    match term.primitive, operands:
        case "divide", (Number(1.0), divisor):
            return Call("reciprocal", (divisor,))
        case "divide", (dividend, Number(number)) if abs(frexp(number)[0]) == 0.5:
            return Call("multiply", (dividend, Number(1.0 / number)))  # exact: it is a power of two
        case "maximum", (x, low) if _is_constant(low):
            return Call("clip", (x, low, Number(inf)))
        case "minimum", (x, high) if _is_constant(high):
            return Call("clip", (x, Number(-inf), high))
    return Call(term.primitive, operands)


def _is_constant(term: Term) -> bool:
    return isinstance(term, Number) or (isinstance(term, Name) and not term.is_input)


def _orders(term: Term) -> Iterator[list[Call]]:
    """Return the orders in which the calls can be made, each before what reads it."""
    made = dict.fromkeys(calls(term))
    forks = [call for call in made if len({x for x in call.operands if isinstance(x, Call)}) > 1]
    for turned in product((False, True), repeat=len(forks)):
        backwards = {call for call, is_turned in zip(forks, turned, strict=True) if is_turned}
        order: dict[Call, None] = {}
        _visit(term, backwards, order)
        yield list(order)


def _visit(term: Term, backwards: set[Call], order: dict[Call, None]) -> None:
    if isinstance(term, Call) and term not in order:
        for operand in term.operands[:: -1 if term in backwards else 1]:
            _visit(operand, backwards, order)
        order[term] = None


class _Registers:
    """Where the results of calls lie, which are made in some order: the last in `{o}`, others there or in scratch."""

    def __init__(self, order: list[Call]) -> None:
        self.order = order
        self.last_read = {x: number for number, call in enumerate(order) for x in call.operands}
        self.holds: dict[str, bool] = {"o": is_truth(order[-1], "")}
        """For each register, whether it holds truth values."""
        self.of: dict[Call, str] = {}
        self.used: set[str] = set()
        inputs = ((x, n) for x, n in self.last_read.items() if isinstance(x, Name) and x.is_input)
        self.free_from = max((n + self._late(n, x) for x, n in inputs), default=0)
        """The call from which on no input is read any more once it has written to the output."""

    def allocate(self) -> FormulaStatements:
        lines = [self._statement(number, call) for number, call in enumerate(self.order)]
        scratch = tuple(self.holds[name] for name in self.holds if name != "o")
        return FormulaStatements("\n".join(lines), scratch, len(self.order) > self.free_from)

    def _late(self, number: int, x: Term) -> bool:
        """Whether a call reads an operand once it has written to the output."""
        call = self.order[number]
        return any(
            letter in primitive(call.primitive).late and operand == x
            for letter, operand in zip(LETTERS, call.operands, strict=False)
        )

    def _statement(self, number: int, call: Call) -> str:
        done = [
            x for x in dict.fromkeys(call.operands) if isinstance(x, Call) and self.last_read[x] == number
        ]
        reused = [self.of[x] for x in done if not self._late(number, x)]
        register = self._chosen(number, call, reused)
        slots = {letter: self._slot(x) for letter, x in zip(LETTERS, call.operands, strict=False)}
        text = primitive(call.primitive).statement
        if "{m}" in text:
            slots["m"] = f"{{{self._scratch(register)}}}"
        self.used -= {self.of[x] for x in done}
        self.used.add(register)
        self.of[call] = register
        return text.format(o=f"{{{register}}}", **slots)

    def _scratch(self, register: str) -> str:
        """Return numbers of scratch for a call whose result lies in a register."""
        taken = {*self.used, register, "o"}
        free = [name for name, truth in self.holds.items() if not truth and name not in taken]
        return free[0] if free else self._new(truth=False)

    def _new(self, *, truth: bool) -> str:
        count = len(self.holds)
        name = "s" if count == 1 else f"s{count}"
        self.holds[name] = truth
        return name

    def _chosen(self, number: int, call: Call, reused: list[str]) -> str:
        last = len(self.order) - 1
        if number == last:
            assert "o" not in self.used or "o" in reused
            return "o"
        free = [*reused, *(name for name in self.holds if name not in self.used)]
        if number < self.free_from or (self.last_read[call] == last and self._late(last, call)):
            free = [name for name in free if name != "o"]
        truth = is_truth(call, "")
        fitting = [name for name in free if self.holds[name] == truth]
        return fitting[0] if fitting else self._new(truth=truth)

    def _slot(self, x: Term) -> str:
        if isinstance(x, Call):
            return f"{{{self.of[x]}}}"
        if isinstance(x, Name) and x.is_input:
            return f"{{{x.name}}}"
        return f"{{={x.name if isinstance(x, Name) else repr(x.number)}}}"
