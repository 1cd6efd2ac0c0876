"""The page's own files, onnxruntime-web's and the photograph: which may be served, and which version they are."""

from __future__ import annotations

import hashlib
import json
import re
import time
import tomllib
from io import BufferedReader
from pathlib import Path

from builder.errors import ZooError
from builder.records import FileEntry

# Plain names only: no part begins with a dot, so no path leads out of its folder or to a hidden file.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*(/[A-Za-z0-9_][A-Za-z0-9_.+-]*)*")
_VENDORED = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.(mjs|wasm)")
# Of files that were written just now, the times do not tell yet whether they are written once more.
_SETTLED_NS = 2_000_000_000

_FileState = tuple[Path, int, int, int]


class Page:
    """web/, node_modules/onnxruntime-web and the shipped photograph. Raises ZooError where one is missing."""

    def __init__(self, web: Path, node_modules: Path, project: Path, photograph: Path) -> None:
        self._web = web
        self._dist = node_modules / "onnxruntime-web" / "dist"
        if not (web / "index.html").is_file():
            raise ZooError(
                "the page is missing",
                got=f"no {web / 'index.html'}",
                expected="the project's folder web/ beside server.py",
                next_step="start server.py from a whole copy of the project: git clone, then make serve",
            )
        self._package_version = str(tomllib.loads(project.read_text())["project"]["version"])
        self.onnxruntime_web_version = _version_of(node_modules / "onnxruntime-web")
        self._photograph = photograph
        self.photograph = _entry_of(photograph)
        self._known: tuple[list[_FileState], str] | None = None

    def file(self, path: str) -> Path | None:
        """The file of web/ at that path, or None."""
        return _existing(self._web / path) if _PLAIN_PATH.fullmatch(path) else None

    def vendored(self, name: str) -> Path | None:
        """The .mjs or .wasm file of onnxruntime-web with that name, or None."""
        return _existing(self._dist / name) if _VENDORED.fullmatch(name) else None

    def open_photograph(self) -> BufferedReader:
        """The photograph, open for reading."""
        return self._photograph.open("rb")

    def version(self) -> str:
        """The package's version and a hash over the names and contents of web/: two pages that differ never share it."""
        # Every page asks for it, hashing takes 7 ms, and 200 devices may be opened at once.
        now = time.time_ns()
        state = _state_of(self._web)
        if self._known and self._known[0] == state:
            return self._known[1]
        digest = hashlib.sha256()
        for path, _, _, _ in state:
            name = path.relative_to(self._web).as_posix().encode()
            digest.update(b"%d %s %s" % (len(name), name, hashlib.sha256(path.read_bytes()).digest()))
        version = f"{self._package_version}+{digest.hexdigest()[:12]}"
        if all(written_ns < now - _SETTLED_NS for _, _, _, written_ns in state):
            self._known = (state, version)
        return version


def _state_of(folder: Path) -> list[_FileState]:
    """Of every file the path, the inode, the bytes, and when it was written, in nanoseconds."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    statuses = [(path, path.stat()) for path in files]
    return [(path, status.st_ino, status.st_size, status.st_mtime_ns) for path, status in statuses]


def _entry_of(photograph: Path) -> FileEntry:
    try:
        content = photograph.read_bytes()
    except OSError as error:
        raise ZooError(
            "the photograph is missing",
            got=f"no readable {photograph}",
            expected="the project's folder builder/data/ beside server.py",
            next_step="start server.py from a whole copy of the project: git clone, then make serve",
        ) from error
    return FileEntry(path=photograph.name, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))


def _existing(path: Path) -> Path | None:
    return path if path.is_file() else None


def _version_of(package: Path) -> str:
    try:
        return str(json.loads((package / "package.json").read_bytes())["version"])
    except (OSError, ValueError, KeyError) as error:
        raise ZooError(
            "onnxruntime-web is missing",
            got=f"no readable {package / 'package.json'}",
            expected="the npm packages that package-lock.json pins",
            next_step="run: npm ci, or make serve, which does it for you",
        ) from error
