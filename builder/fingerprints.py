"""Digests of files, remembered by size and modification time so that a warm build need not read gigabytes again."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path

from builder.errors import ZooError
from builder.files import write_bytes


class Fingerprints:
    """Digests by absolute path, kept in one JSON file in the cache folder. A file that changed in size or time is read again.

    Losing or corrupting that file costs time, never correctness. Threads may share one of these.
    """

    def __init__(self, store: Path) -> None:
        self._store = store
        self._known: dict[str, dict[str, str]] = _load(store)
        self._learned: dict[str, dict[str, str]] = {}

    def digest(self, path: Path, algorithm: str = "sha256") -> str:
        """The hexadecimal digest of the file. Raises OSError when it cannot be read."""
        state = _state(path.stat())
        place = str(path.absolute())
        entry = self._learned.get(place) or self._known.get(place, {})
        if entry.get("state") != state:
            entry = {"state": state}
        if algorithm not in entry:
            with path.open("rb") as file:
                entry = {**entry, algorithm: hashlib.file_digest(file, algorithm).hexdigest()}
            self._learned[place] = entry
        return entry[algorithm]

    def learn(self, path: Path, sha256: str) -> None:
        """Remember the digest of a file that was written just now, so that nobody has to read it again."""
        with contextlib.suppress(OSError):
            self._learned[str(path.absolute())] = {"state": _state(path.stat()), "sha256": sha256}

    def save(self) -> None:
        """Write what was learned, beside what other builders have, if the cache folder can be written; if not, the next build reads
        the files again."""
        if self._learned:
            self._known = {**_load(self._store), **self._learned}
            self._learned = {}
            with contextlib.suppress(ZooError):
                write_bytes(self._store, json.dumps(self._known, indent=0, sort_keys=True).encode())


def _state(stat: os.stat_result) -> str:
    return f"{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ino}"


def _load(store: Path) -> dict[str, dict[str, str]]:
    try:
        content = json.loads(store.read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {
        path: {str(k): str(v) for k, v in entry.items()} for path, entry in content.items() if isinstance(entry, dict)
    }
