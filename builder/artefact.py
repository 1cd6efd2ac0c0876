"""An artefact: what the stages have made of one model, before it is in any folder. Imports no torch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from builder.records import FileEntry, ModelEntry


@dataclass(frozen=True)
class Artefact:
    """`entry` as the manifest will hold it, but for the names of files, which the output folder may change; `files` by `entry`'s paths."""

    entry: ModelEntry
    files: dict[str, bytes]


class Files:
    """The files of one model as they come about, with their entries."""

    def __init__(self, model_id: str) -> None:
        self._model_id = model_id
        self.contents: dict[str, bytes] = {}

    def put(self, name: str, content: bytes) -> FileEntry:
        """Keep the content under "<model>/<name>"; its entry."""
        path = f"{self._model_id}/{name}"
        self.contents[path] = content
        return FileEntry(path=path, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
