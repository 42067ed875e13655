"""What a document's text may be, whatever version of TOML Python reads."""

from __future__ import annotations

import re
import sys
import tomllib

import pytest

from specnet.language.parsing import parse_leniently
from specnet.language.positions import locate
from specnet.language.source import SourceText
from specnet.language.toml_reading import _PERHAPS_NEWER, load_toml

NEWER = [
    'a = "\\e"',
    'a = "x\\x41"',
    'a = """\n\\e"""',
    "a = { b = 1, }",
    "a = { b = [1, 2], # here\n  # and here\n}",
    "a = { b = 1,\n c = 2 }",
    'a = { b = "}",\n "c d" = 2 }',
    "a = { b = {c = 1}\n, d = 2 }",
    'a = { b = 1,\n "c,d" = 2 }',
    "a = { b = 1,\r\n '}' = 2 }",
    'a={b=1,\n\n#c=1\n#\n"{#["=2}',
    "a = {\n}",
    "a = { # here\n b = 1 }",
    "a = 07:32",
    "a = 1979-05-27T07:32Z",
    "a = 1979-05-27 07:32+01:00",
    "a = [1979-05-27 07:32]",
]
"""Documents of TOML 1.1 that are none of TOML 1.0."""

SOUND = [
    'a = "\\\\e \\\\x41"',
    "a = '\\e'",
    "a = '''{\n}, }'''",
    'a = "07:32" # { x = 1, }',
    "a = 07:32:00",
    "a = [\n{ b = 1 },\n { c = '07:32' },\n]",
    "a = { b = [\n1,\n], c = 2 }",
    'a = [\n"x = 1",\n"y"]',
    "a = 1 # \\e",
]
"""Documents of TOML 1.0 that look like some of them."""


@pytest.mark.parametrize("text", NEWER)
def test_what_only_newer_versions_of_toml_have_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  tomllib's own where it reads TOML 1.0
        load_toml(text)
    result = parse_leniently(SourceText(text))
    assert {fault.code for fault in result.faults} == {"SN101"}


@pytest.mark.skipif(sys.version_info < (3, 15), reason="Python reads TOML 1.0")
@pytest.mark.parametrize("text", NEWER)
def test_python_would_take_it(text: str) -> None:
    assert "a" in tomllib.loads(text)


@pytest.mark.parametrize("text", SOUND)
def test_what_looks_like_it_is_read(text: str) -> None:
    assert locate(text, "toml").faults == ()
    assert load_toml(text) == tomllib.loads(text)


@pytest.mark.parametrize("piece", ["#,\n", "#,#", "#{#", "#{\n", "# \t", "#,\r", "#},\n"])
def test_a_sign_of_it_is_found_in_linear_time(piece: str) -> None:
    text = "a = 1\n" + piece * 100_000
    assert len(re.findall(_PERHAPS_NEWER, text)) in (0, 1, 100_000)
