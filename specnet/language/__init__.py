"""The language of documents: reading, validating and locating them."""

from __future__ import annotations

from specnet.language.loading import check, examine, load
from specnet.language.origin import Origin
from specnet.language.source import SourceText, read, text_source

__all__ = ["Origin", "SourceText", "check", "examine", "load", "read", "text_source"]
