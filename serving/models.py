"""The models folder as the server sees it: the manifest as it is now, and only files that are what the manifest says."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from builder import cards, manifest
from builder.errors import ZooError
from builder.records import FileEntry, Manifest

CARD_NAME = cards.FILE_NAME

_Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class Listing:
    """A manifest: as read, as bytes, and the files that it lists by their paths."""

    manifest: Manifest
    content: bytes
    sha256: str
    files: Mapping[str, FileEntry]


class ModelsFolder:
    """A folder that the builder wrote, and may write anew at any time. Safe to use from any number of threads."""

    def __init__(self, folder: Path) -> None:
        """Raises ZooError if there is no valid manifest."""
        self._folder = folder
        self._lock = threading.Lock()
        self._stamp: _Stamp | None = None
        self._checked: dict[tuple[str, str], _Stamp] = {}
        self._listing = self._read()

    def listing(self) -> Listing:
        """The manifest as it is now; read again when it has changed. Raises ZooError if it has become invalid."""
        with self._lock:
            if self._stamp is None or self._stamp != _stamp_of_path(self._folder / manifest.FILE_NAME):
                self._listing = self._read()
            return self._listing

    def last_valid(self) -> Manifest:
        """The manifest as it is now or, where that is invalid, as it last was."""
        try:
            return self.listing().manifest
        except ZooError:
            return self._listing.manifest

    def card(self, model_id: str) -> bytes | None:
        """That model's card as Markdown, made from the manifest as it is now; None for a model that is not in it.

        Raises ZooError if the manifest has become invalid.
        """
        entry = manifest.find(self.listing().manifest, model_id)
        return None if entry is None else cards.card(entry).encode()

    def open(self, entry: FileEntry) -> BufferedReader:
        """The file, open for reading. Raises ZooError if its content is not what the manifest says.

        The content is hashed when the file is first used, and again when its size or time has changed.
        """
        try:
            handle = (self._folder / entry.path).open("rb")
        except OSError as error:
            raise _mismatch(entry, error.strerror or str(error)) from error
        try:
            self._check(entry, handle)
        except BaseException:
            handle.close()
            raise
        return handle

    def _check(self, entry: FileEntry, handle: BufferedReader) -> None:
        stamp = _stamp(os.fstat(handle.fileno()))
        key = (entry.path, entry.sha256)
        if self._checked.get(key) == stamp:
            return
        if stamp[0] != entry.bytes:
            raise _mismatch(entry, f"{stamp[0]} bytes")
        found = hashlib.file_digest(handle, "sha256").hexdigest()
        if found != entry.sha256:
            raise _mismatch(entry, f"sha256 {found}")
        handle.seek(0)
        self._checked[key] = stamp

    def _read(self) -> Listing:
        # The stamp is taken before the content: a manifest replaced in between is read once more, never missed.
        self._stamp = None
        stamp = _stamp_of_path(self._folder / manifest.FILE_NAME)
        content = manifest.read_content(self._folder)
        whole = manifest.parse(content, str(self._folder / manifest.FILE_NAME))
        files = {file.path: file for model in whole.models for file in model.files()}
        self._stamp = stamp
        return Listing(whole, content, hashlib.sha256(content).hexdigest(), files)


def _stamp_of_path(path: Path) -> _Stamp | None:
    try:
        return _stamp(path.stat())
    except OSError:
        return None


def _stamp(status: os.stat_result) -> _Stamp:
    return status.st_size, status.st_mtime_ns, status.st_ino


def _mismatch(entry: FileEntry, got: str) -> ZooError:
    return ZooError(
        f"the model file {entry.path} is not what the manifest says",
        got=got,
        expected=f"{entry.bytes} bytes, sha256 {entry.sha256}",
        next_step="run: python -m builder all, which writes it anew, then reload the page",
    )
