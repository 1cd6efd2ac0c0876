"""Validation errors in words."""

from __future__ import annotations

from pydantic import ValidationError


def explain(error: ValidationError, most: int = 3) -> str:
    """A validation error as one line: where, what was wrong, what stood there."""
    parts = []
    for item in error.errors(include_url=False)[:most]:
        where = ".".join(str(part) for part in item["loc"]) or "the whole"
        found = "" if item["type"] in {"missing", "json_invalid"} else f" (found {_short(item['input'])})"
        parts.append(f"{where}: {item['msg'].removeprefix('Value error, ')}{found}")
    more = error.error_count() - most
    return "; ".join(parts) + (f"; and {more} more" if more > 0 else "")


def _short(value: object, most: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= most else text[: most - 3] + "..."
