from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import PydanticCustomError, core_schema


class Table(BaseModel):
    """Base of everything that a table of a document becomes: closed, immutable, and strict about types.

    Pydantic builds a validator for a class when it is first used, not at import: a document names a handful
    of kinds out of a hundred, and start-up pays for those alone.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        defer_build=True,
        protected_namespaces=(),
        allow_inf_nan=False,
    )

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        schema = handler(source)
        _accept_arrays(schema)
        return schema


def _accept_arrays(schema: Any) -> None:
    """Let a document's array stand for a tuple: strictness is about numbers and text, not about brackets."""
    pending = [schema]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            if node.get("type") == "tuple":
                node["strict"] = False
            pending.extend(node.values())
        elif isinstance(node, list | tuple):
            pending.extend(node)


@dataclass(frozen=True, slots=True)
class Words:
    """What a field takes, in words, as metadata of `Annotated`: for what its constraints say in symbols."""

    text: str


def fault(
    message: str,
    *,
    key: str | int | tuple[str | int, ...] = (),
    code: str | None = None,
    part: str | None = None,
    help: str | None = None,
) -> PydanticCustomError:
    """Return the error that a validator of a table raises for what no field's type can express.

    `key` names the field at fault below the table or field that the validator belongs to, `part` says which
    part of that entry, and `code` is the diagnostic's, SN210 if left out.
    """
    path = key if isinstance(key, tuple) else (key,)
    # Pydantic puts the context's values in place of `{word}` in a message, so the message travels as a value.
    context = {"message": written(message), "path": path, "code": code, "part": part, "help": help}
    return PydanticCustomError("fault", "{message}", context)


def written(message: str) -> str:
    """Return a message as it can be written down: a command line's bytes that are no text come as halves of letters."""
    return message.encode(errors="replace").decode()


class Kind(Table):
    """Base of everything that a document chooses by `type`.

    The docstring of a kind is its reference page, and the string below a field is that field's description:
    `specnet docs` and the JSON Schema read both from the source.
    """

    type: str
