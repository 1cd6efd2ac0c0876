"""The body of a request that brings something: JSON, and not too much of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from builder.errors import ZooError
from serving.replies import Refusal

R = TypeVar("R")


def json_body(what: str, most_bytes: int, advice: str) -> bytes:
    """The current request's body, unparsed. `what` names it, `advice` says what to do about one that is too large.

    Raises Refusal: 415 for another type than JSON, 413 for more than `most_bytes`.
    """
    if request.mimetype != "application/json":
        raise Refusal(415, _not_json(what, request.content_type))
    request.max_content_length = most_bytes
    try:
        return request.get_data()
    except RequestEntityTooLarge as error:
        raise Refusal(
            413,
            ZooError(
                f"{what} is too large",
                got=f"{request.content_length or 'more'} bytes",
                expected=f"at most {most_bytes} bytes",
                next_step=advice,
            ),
        ) from error


def parsed(parse: Callable[[bytes], R], body: bytes) -> R:
    """What `parse` makes of it. Raises Refusal 400 where that raises ZooError."""
    try:
        return parse(body)
    except ZooError as error:
        raise Refusal(400, error) from error


def _not_json(what: str, got: str | None) -> ZooError:
    return ZooError(
        f"{what} is not JSON",
        got=f"Content-Type {got}" if got else "no Content-Type",
        expected="Content-Type application/json",
        next_step="name the type in the request's headers",
    )
