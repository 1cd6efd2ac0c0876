"""The output folder. Writing manifest.json is the one moment at which a build takes effect; a kill before or after it does no harm.

A file that the present manifest names is never overwritten with other content: a changed file gets a name of its own beside it
("fp32-1a2b3c4d.onnx"), the new manifest names that, and then the old file is removed. So manifest and files agree at all times,
also for a server that is running meanwhile.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from builder import manifest
from builder.errors import ZooError
from builder.files import PARTIAL, write_bytes
from builder.fingerprints import Fingerprints
from builder.records import FileEntry, Manifest, ModelEntry

_LOCK = ".builder.lock"


class OutputFolder:
    """models/, as a builder sees it. `order` is the catalogue's ids: the order of models in the manifest."""

    def __init__(self, path: Path, order: tuple[str, ...]) -> None:
        self.path = path
        self._order = order
        self.unreadable: ZooError | None = None
        self._models: dict[str, ModelEntry] = {}
        if (path / manifest.FILE_NAME).exists():
            try:
                self._models = {m.id: m for m in manifest.read(path).models}
            except ZooError as error:
                self.unreadable = error

    def entry(self, model_id: str) -> ModelEntry | None:
        """What the manifest says of that model."""
        return self._models.get(model_id)

    def damage(self, entry: ModelEntry, fingerprints: Fingerprints) -> str | None:
        """The first file of `entry` that is missing or not what the manifest says, in words; None if all are as they should be."""
        for file in entry.files():
            path = self.path / file.path
            if not path.is_file():
                return f"{file.path} is missing"
            if path.stat().st_size != file.bytes or fingerprints.digest(path) != file.sha256:
                return f"{file.path} is not the file that was built"
        return None

    def put(self, model_id: str, name: str, content: bytes) -> FileEntry:
        """Write a file of that model and return its entry. It takes effect when `commit` names it in the manifest."""
        digest = hashlib.sha256(content).hexdigest()
        path = f"{model_id}/{name}"
        if any(file.path == path and file.sha256 != digest for file in self._files_in_use()):
            stem, dot, suffix = name.partition(".")
            path = f"{model_id}/{stem}-{digest[:8]}{dot}{suffix}"
        write_bytes(self.path / path, content)
        return FileEntry(path=path, sha256=digest, bytes=len(content))

    def commit(self, entry: ModelEntry, tools: dict[str, str]) -> None:
        """Put the entry into the manifest, in one step, and remove files of that model that nothing names any more."""
        self._models[entry.id] = entry
        rank = {name: place for place, name in enumerate(self._order)}
        models = sorted(self._models.values(), key=lambda m: (rank.get(m.id, len(rank)), m.id))
        manifest.write(self.path, Manifest(schema_version=1, tools=tools, models=tuple(models)))
        named = {file.path for file in entry.files()}
        for path in (self.path / entry.id).iterdir():
            if path.is_file() and f"{entry.id}/{path.name}" not in named:
                path.unlink()

    def clean(self) -> list[str]:
        """Remove the manifest and the folders of all models, and nothing else; return what was removed."""
        removed = []
        for name in (manifest.FILE_NAME, *sorted({*self._order, *self._models})):
            path = self.path / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.exists():
                path.unlink()
            else:
                continue
            removed.append(str(path))
        return removed

    def _files_in_use(self) -> Iterator[FileEntry]:
        for entry in self._models.values():
            yield from entry.files()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the output folder for this process. Raises ZooError when it cannot be written, or another builder holds it."""
    lock = _acquired(path)
    try:
        yield
    finally:
        lock.release()


def _acquired(path: Path) -> BaseFileLock:
    lock = FileLock(path / _LOCK, timeout=0)
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise ZooError(
            f"another builder is at work in {path}",
            got=f"{path / _LOCK} is held",
            expected="one builder at a time in a folder",
            next_step="wait until it has finished, or choose another folder with --out",
        ) from error
    except OSError as error:
        raise ZooError(
            f"the output folder {path} cannot be written",
            got=error.strerror or str(error),
            expected="a folder that this user may create and write to",
            next_step="choose another one with --out",
        ) from error
    for left_over in path.glob(f".*{PARTIAL}"):
        left_over.unlink()  # of a builder that was killed: none is at work now
    return lock
