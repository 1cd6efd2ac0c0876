"""Writing files so that a reader, or a kill at any moment, sees the old content or the new and never a part of it.

Standard library only: set-up needs this before any package is there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from builder.errors import ZooError

if sys.platform != "win32":
    import fcntl

PARTIAL = ".partial"  # the end of a temporary file's name


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def staged(path: Path) -> Iterator[Path]:
    """Give an empty temporary file beside `path`, for its future content; what has not been renamed at the end is removed.

    It is locked meanwhile, which tells `remove_left_overs` that its owner lives. Raises ZooError when the disk is full or the
    folder cannot be written; so does the block, for its own OSErrors.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file, temporary = _locked_temporary(path)
        with file:
            yield temporary
    except OSError as error:
        raise cannot_be_written(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to; on success it is synced and renamed over `path`, else removed.

    Raises ZooError when the disk is full or the folder cannot be written.
    """
    with staged(path) as temporary:
        yield temporary
        make_durable(temporary)
        temporary.replace(path)


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content` in one step."""
    with replaced(path) as temporary:
        temporary.write_bytes(content)


def make_durable(temporary: Path) -> None:
    """Before the rename: the content is on the disk, and the file may be read by whom this user's files may be."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.chmod(0o666 & ~_umask())


def remove_left_overs(paths: Iterable[Path]) -> None:
    """Remove those temporary files whose owner has died. A live owner holds its file locked (Windows: open, so it cannot go)."""
    for path in paths:
        with contextlib.suppress(OSError), path.open("rb") as file:  # it may be gone, or somebody else's
            if _lock(file, wait=False):
                path.unlink()


def cannot_be_written(path: Path, error: OSError) -> ZooError:
    """The one message for a full disk and for a folder that is closed to us."""
    return ZooError(
        f"{path} cannot be written",
        got=error.strerror or str(error),
        expected="a folder that this user may write to, on a disk with free space",
        next_step="free some space or choose another folder with --out; what was there before is untouched",
    )


def _locked_temporary(path: Path) -> tuple[BinaryIO, Path]:
    while True:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=PARTIAL)
        file = os.fdopen(handle, "rb")
        _lock(file, wait=True)
        # Another process may have taken it for a left-over before it was locked.
        if os.fstat(file.fileno()).st_nlink or sys.platform == "win32":
            return file, Path(name)
        file.close()


def _lock(file: BinaryIO, *, wait: bool) -> bool:
    """Whether the file is now locked by this handle; the system unlocks it when the handle, or its process, ends."""
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError:  # held by another; or a file system without locks, where left-overs stay
            return False
    return True


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
