"""Digests of files, remembered by size and modification time so that a warm build need not read hundreds of megabytes again."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

from builder.errors import ZooError
from builder.files import write_bytes


class Fingerprints:
    """Digests by absolute path, kept in one JSON file in the cache folder. A file that changed in size or time is read again.

    Losing or corrupting that file costs time, never correctness.
    """

    def __init__(self, store: Path) -> None:
        self._store = store
        self._known: dict[str, dict[str, str]] = _load(store)
        self._changed = False

    def digest(self, path: Path, algorithm: str = "sha256") -> str:
        """The hexadecimal digest of the file. Raises OSError when it cannot be read."""
        stat = path.stat()
        state = f"{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ino}"
        entry = self._known.get(str(path.absolute()), {})
        if entry.get("state") != state:
            entry = {"state": state}
        if algorithm not in entry:
            with path.open("rb") as file:
                entry[algorithm] = hashlib.file_digest(file, algorithm).hexdigest()
            self._known[str(path.absolute())] = entry
            self._changed = True
        return entry[algorithm]

    def save(self) -> None:
        """Write what was learned, if the cache folder can be written; if not, the next build reads the files again."""
        if self._changed:
            with contextlib.suppress(ZooError):
                write_bytes(self._store, json.dumps(self._known, indent=0, sort_keys=True).encode())
            self._changed = False


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
