"""What was built before, by build key, so that no folder and no rebuild waits for the same build twice.

One entry is one file, <key>.zip: the model's manifest entry and its files, uncompressed. It is written beside, synced and renamed, so it
is there whole or not at all; whoever reads it checks its sha256s, and drops an entry that is damaged. Files are copied out, not linked:
who edits a file in models/ must not change the cache (measured: 0.4 s to read and check, 1 s to write, for 354 MB).

A cache that cannot be used costs time, never a build.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from builder.artefact import Artefact
from builder.errors import ZooError
from builder.files import PARTIAL, remove_left_overs, replaced
from builder.records import ModelEntry

LIMIT_BYTES = 8_000_000_000  # about four times the whole catalogue
_ENTRY = "entry.json"


class BuildCache:
    """The builds kept in `folder`, at most `limit` bytes of them: those used least recently go first."""

    def __init__(self, folder: Path, limit: int = LIMIT_BYTES) -> None:
        self.folder = folder
        self._limit = limit

    def take(self, key: str, on_note: Callable[[str], None]) -> Artefact | None:
        """The build with that key, or None. A damaged one is removed, with a note."""
        path = self._path(key)
        if not path.is_file():
            return None
        try:
            artefact = _read(path, key)
            with contextlib.suppress(OSError):
                os.utime(path)  # used now
        except Exception as error:  # a damaged file can make zipfile raise anything
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            on_note(f"the cached build {path} is damaged ({reason}); dropped")
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            return None
        return artefact

    def store(self, artefact: Artefact, on_note: Callable[[str], None]) -> None:
        """Keep a build; where it cannot be written, there is a note instead."""
        path = self._path(artefact.entry.build_key)
        try:
            with replaced(path) as temporary, zipfile.ZipFile(temporary, "w") as file:
                file.writestr(_ENTRY, artefact.entry.model_dump_json())
                for name, content in artefact.files.items():
                    file.writestr(name, content)
        except ZooError as error:
            on_note(f"{artefact.entry.id} is not kept in the cache: {error.what} ({error.got})")
            return
        self._shrink(spared=path)

    @contextlib.contextmanager
    def reserved(self, key: str, on_wait: Callable[[], None]) -> Iterator[None]:
        """One process at a time builds what has this key. The others wait, and then find it in the cache.

        It saves work and no more: where the folder knows no locks, or a lock file is removed, the same is built twice and stored once.
        """
        lock = FileLock(self.folder / f".{key}.lock")
        with contextlib.suppress(OSError, NotImplementedError):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                on_wait()
                lock.acquire()
        try:
            yield
        finally:
            if lock.is_locked:
                lock.release()

    def tidy(self) -> None:
        """Remove what killed builders have left."""
        remove_left_overs(self.folder.glob(f".*{PARTIAL}"))

    def clear(self) -> list[str]:
        """Remove every build; return what was removed."""
        removed = []
        for path in sorted(self.folder.glob("*.zip")):
            path.unlink(missing_ok=True)
            removed.append(str(path))
        self.tidy()
        self._remove_idle_locks()
        return removed

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.zip"

    def _shrink(self, spared: Path) -> None:
        """Remove the builds used least recently until the rest are within the limit."""
        with contextlib.suppress(OSError):  # another builder may be doing the same
            found = sorted(
                ((p.stat().st_mtime_ns, p.stat().st_size, p) for p in self.folder.glob("*.zip")), reverse=True
            )
            total = 0
            for _, size, path in found:
                total += size
                if total > self._limit and path != spared:
                    path.unlink(missing_ok=True)
                    total -= size
        self._remove_idle_locks()

    def _remove_idle_locks(self) -> None:
        """Remove lock files without a build beside them that nobody holds."""
        for path in self.folder.glob(".*.lock"):
            if not self._path(path.name[1:].removesuffix(".lock")).exists():
                with contextlib.suppress(OSError, Timeout), FileLock(path, timeout=0):
                    path.unlink(missing_ok=True)


def _read(path: Path, key: str) -> Artefact:
    with zipfile.ZipFile(path) as file:
        entry = ModelEntry.model_validate_json(file.read(_ENTRY))
        files = {one.path: file.read(one.path) for one in entry.files()}
    if entry.build_key != key:
        raise ValueError(f"it holds the build {entry.build_key[:12]}...")
    for one in entry.files():
        if hashlib.sha256(files[one.path]).hexdigest() != one.sha256:
            raise ValueError(f"{one.path} has another sha256 than its entry says")
    return Artefact(entry, files)
