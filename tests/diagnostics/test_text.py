from __future__ import annotations

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specnet.diagnostics.text import article, clipped, counted, how_ended, joined, listed, plural, sized

UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "PiB": 2**50, "EiB": 2**60}


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (96, "96 B"),
        (1023, "1023 B"),
        (1536, "1.5 KiB"),
        (2**20 - 1, "1.0 MiB"),
        (2**40, "1.0 TiB"),
        (3 * 2**40, "3.0 TiB"),
        (2**62, "4.0 EiB"),
        (2**72, "4,096.0 EiB"),
        (10**400, "over 100,000 EiB"),
    ],
)
def test_sizes(count: int, text: str) -> None:
    assert sized(count) == text


@given(st.integers(0, 2**76))
def test_a_size_is_right_to_half_a_tenth_of_its_unit(count: int) -> None:
    number, unit = sized(count).replace(",", "").split()
    assert abs(count * 10 - round(float(number) * 10) * UNITS[unit]) <= UNITS[unit] / 2
    assert float(number) < 1024 or unit == "EiB"


def test_a_name_that_is_empty_is_said_to_be_none() -> None:
    assert listed(["", "a"]) == "(no name), `a`"


def test_counts() -> None:
    assert counted(1, "row") == "1 row"
    assert counted(0, "loss") == "0 losses"
    assert counted(20000, "epoch") == "20,000 epochs"


def test_nouns() -> None:
    assert [article(n) for n in ("layer", "optimizer", "initializer")] == [
        "a layer",
        "an optimizer",
        "an initializer",
    ]
    assert [plural(n) for n in ("layer", "loss")] == ["layers", "losses"]
    assert plural("loss", 1) == "loss"


def test_several() -> None:
    assert [joined(["a", "b", "c"][:n]) for n in (1, 2, 3)] == ["a", "a and b", "a, b and c"]
    assert joined(["a", "b"], "or") == "a or b"
    assert listed(["a", "b"]) == "`a`, `b`"
    assert listed(["a", "b\n", "c"], 2) == "`a`, `b\\n` and 1 more"
    assert listed(["a", "b", "c"], 2, mark="") == "a, b and 1 more"
    assert listed([]) == ""


@given(st.text(), st.integers(1, 50))
def test_a_clipped_string_is_printable_and_short(text: str, width: int) -> None:
    shown = clipped(text, width)
    assert shown.isprintable()
    assert len(shown) <= width + 1
    assert shown == text or not text.isprintable() or len(text) > width


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (3, "ended with code 3"),
        (-15, "was ended by SIGTERM"),
        (-9, "was ended by SIGKILL, as the system does where memory runs out"),
        (-250, "was ended by signal 250"),
    ],
)
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes are not ended by signals here")
def test_how_a_process_has_ended(code: int, text: str) -> None:
    assert how_ended(code) == text
