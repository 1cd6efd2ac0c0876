"""What tests of the page's own modules share."""

from __future__ import annotations

import math
from typing import Any, Protocol


class JavaScript(Protocol):
    """Import a module of web/ and give it, with an argument, to a JavaScript function; argument and answer travel as JSON."""

    def __call__(self, module: str, function: str, argument: object = None) -> Any: ...


def close(actual: float | None, expected: float | None, relative: float = 1e-9) -> bool:
    """Whether two numbers agree to `relative`; None agrees with None only."""
    if actual is None or expected is None:
        return actual is expected
    return math.isclose(actual, expected, rel_tol=relative, abs_tol=1e-12)
