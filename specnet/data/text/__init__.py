"""Text as indices of tokens: how it is cut, and the vocabulary that a model keeps."""

from __future__ import annotations

from specnet.data.text.tokenizer import Tokenizer
from specnet.vocabulary.family import Family

TOKENIZERS: Family[Tokenizer] = Family(
    "tokenizer",
    Tokenizer,
    __name__,
    {
        "char": "characters.Char",
        "byte": "encoded.Byte",
        "word": "words.Word",
        "bpe": "pairs.Bpe",
    },
)

__all__ = [
    "TOKENIZERS",
    "Tokenizer",
]

__getattr__ = TOKENIZERS.exported
