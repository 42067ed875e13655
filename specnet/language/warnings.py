"""The codes of warnings, as documents and flags name them."""

from __future__ import annotations


def unknown_warning(code: str) -> tuple[str, str | None] | None:
    """Return a message and help where a code is that of no warning, or None where it is one."""
    from specnet.diagnostics.rules import RULES, meant_code

    known = [name for name in RULES if name.startswith("SN7")]
    if code in known:
        return None
    if code in RULES:
        return f"`{code}` is an error, and cannot be ignored", "only warnings can: SN701 and the like"
    meant = code.upper() if code.upper() in known else meant_code(code, known)
    return f"`{code}` is not the code of a warning", f"did you mean `{meant}`?" if meant else None
