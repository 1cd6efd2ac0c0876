"""What tests that start programs share."""

from __future__ import annotations

import os


def plain_environment(**more: str) -> dict[str, str]:
    """This process's environment without what an outer `make` would tell an inner one, and with `more`."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PYTEST_"))
    }
    return {**inherited, **more}
