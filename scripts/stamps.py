"""Remembering that a step of set-up is done, so that it is skipped until something that it depends on changes.

Standard library only: set-up runs before any package is there.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.files import write_bytes


@dataclass(frozen=True)
class Step:
    """One step of set-up.

    key: everything that it depends on, as a digest; another key means that it must be done again.
    act: does it, and returns the files that are there afterwards; one of them gone or replaced means that it must be done again.
    """

    name: str
    key: str
    act: Callable[[], Sequence[Path]]


def ensure(step: Step, folder: Path) -> bool:
    """Do `step` unless its stamp in `folder` says that it is done. Returns whether it was done now.

    The stamp goes before the work starts and comes back after it ended well, so a step that was broken off is done again.
    """
    stamp = folder / f"{step.name}.json"
    if _holds(stamp, step.key):
        return False
    stamp.unlink(missing_ok=True)
    products = {str(path): _identity(path) for path in step.act()}
    write_bytes(stamp, json.dumps({"key": step.key, "products": products}).encode())
    return True


def digest(*parts: str | Path) -> str:
    """One digest for these texts and the contents of these files. A file that is missing counts as such."""
    total = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part.read_bytes() if part.exists() else b"missing"
        total.update(hashlib.sha256(content).digest())
    return total.hexdigest()


@contextlib.contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Wait until no other process is in here for the same folder. The lock ends with the process, however that ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("set-up: waiting for another set-up of this folder to end", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _holds(stamp: Path, key: str) -> bool:
    try:
        record = json.loads(stamp.read_bytes())
        return record["key"] == key and all(_identity(Path(p)) == i for p, i in record["products"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        # A stamp that is missing, cut short or not ours vouches for nothing.
        return False


def _identity(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]
