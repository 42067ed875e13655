"""The language of documents: reading, validating and locating them."""

from __future__ import annotations

from specnet.language.loading import check, examine, load
from specnet.language.reading import read
from specnet.language.source import SourceText, text_source
from specnet.language.spec_source import SpecSource

__all__ = ["SourceText", "SpecSource", "check", "examine", "load", "read", "text_source"]
