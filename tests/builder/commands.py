"""Running the builder as users do: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from builder import cards

ROOT = Path(__file__).parents[2]


def builder(
    *arguments: object,
    env: dict[str, str] | None = None,
    preexec_fn: Callable[[], None] | None = None,
    timeout: float = 300,
) -> subprocess.CompletedProcess[str]:
    """python -m builder with those arguments, from the project's folder."""
    return subprocess.run(
        [sys.executable, "-m", "builder", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        preexec_fn=preexec_fn,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def contents(folder: Path, pattern: str = "*/*") -> dict[str, bytes]:
    """Every file of an output folder by its relative path, but for model cards, which no manifest names."""
    found = (path for path in sorted(folder.glob(pattern)) if path.is_file() and path.name != cards.FILE_NAME)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
