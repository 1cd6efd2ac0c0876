"""Fetching one large file: resumed where it stopped, checked before anybody sees it, put in place in one step."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from builder.errors import ZooError

_CHUNK = 1 << 20
_PIECE = 1 << 16  # when a connection breaks, the piece that was under way is lost
_TIMEOUT_S = (5.0, 30.0)  # to connect, and between two pieces of the answer
_ATTEMPTS = 3

OnBytes = Callable[[int, int | None], None]


class UnreachableError(ZooError):
    """The server could not be reached or broke off; what arrived is kept, and the next try goes on from there."""


class _BrokenOffError(Exception):
    """One request did not bring everything; the message says why."""


def download(url: str, destination: Path, *, size: int | None, checksums: Sequence[str], on_bytes: OnBytes) -> None:
    """Fetch `url` to `destination`.

    The bytes go to `destination` + ".partial"; an earlier partial file is continued with a range request. `size` (bytes) and every
    checksum ("algorithm:digits") are checked before the file gets its name. `on_bytes(done, total)` is called as bytes arrive.
    Raises UnreachableError when the network fails, ZooError when the content is wrong or cannot be written.
    """
    if not checksums:
        raise ValueError("a download without a checksum cannot be trusted")
    partial = destination.with_name(destination.name + ".partial")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        resumed = _fetch(url, partial, size, on_bytes)
        problem = content_problem(partial, size, checksums)
        if problem and resumed:
            # The start may have been from another version of the file: once more, from nothing.
            partial.unlink()
            _fetch(url, partial, size, on_bytes)
            problem = content_problem(partial, size, checksums)
        if problem:
            partial.unlink()
            got, expected = problem
            raise ZooError(
                f"{url} did not give the published file",
                got=got,
                expected=expected,
                next_step="try again; if it stays, a proxy may answer in the server's place, or the file was replaced: do not use it",
            )
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(destination)
    except OSError as error:
        raise ZooError(
            f"{destination} cannot be written",
            got=error.strerror or str(error),
            expected="a folder that this user may write to, on a disk with free space",
            next_step="free some space, or name another cache folder in ZOO_CACHE_DIR; what has arrived is kept",
        ) from error


def content_problem(path: Path, size: int | None, checksums: Sequence[str]) -> tuple[str, str] | None:
    """What is wrong with a file's content, as (got, expected), or None. One pass over the file."""
    found_size = path.stat().st_size
    if size is not None and found_size != size:
        return f"{found_size} bytes", f"{size} bytes"
    pairs = [checksum.split(":", 1) for checksum in checksums]
    hashes = [hashlib.new(algorithm) for algorithm, _ in pairs]
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            for one in hashes:
                one.update(chunk)
    for (algorithm, digits), one in zip(pairs, hashes, strict=True):
        if not one.hexdigest().startswith(digits):
            return f"{algorithm} {one.hexdigest()}", f"{algorithm} {digits}"
    return None


def _fetch(url: str, partial: Path, size: int | None, on_bytes: OnBytes) -> bool:
    """Bring `partial` to its full length; True when it continued what an earlier call had left."""
    had = partial.stat().st_size if partial.exists() else 0
    failure: Exception | None = None
    for _ in range(_ATTEMPTS):
        before = partial.stat().st_size if partial.exists() else 0
        try:
            _fetch_rest(url, partial, size, on_bytes)
            return had > 0
        except _BrokenOffError as error:
            failure = error
        if (partial.stat().st_size if partial.exists() else 0) == before:
            break  # nothing arrived this time: trying again at once will not help
    raise UnreachableError(
        f"{url} cannot be fetched",
        got=str(failure),
        expected="the whole file",
        next_step="check the network; the next run continues where this one stopped",
    ) from failure


def _fetch_rest(url: str, partial: Path, size: int | None, on_bytes: OnBytes) -> None:
    """One request for what is missing. Raises _BrokenOffError, in words, when it ends early or does not begin."""
    import requests  # here, because a warm build fetches nothing and should not wait for the import

    done = partial.stat().st_size if partial.exists() else 0
    if size is not None and done >= size:
        return
    # identity: a compressed answer could not be continued from a byte position.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    try:
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as answer:
            if answer.status_code == 416:
                partial.unlink(missing_ok=True)
                raise _BrokenOffError("the server has no bytes after what had arrived; starting anew")
            if answer.status_code not in (200, 206):
                raise _BrokenOffError(f"HTTP {answer.status_code} {answer.reason}")
            if answer.status_code == 200:
                done = 0
            length = answer.headers.get("Content-Length")
            total = done + int(length) if length is not None and length.isdecimal() else size
            with partial.open("ab" if done else "wb") as file:
                for chunk in answer.iter_content(_PIECE):
                    file.write(chunk)
                    done += len(chunk)
                    on_bytes(done, total)
    except requests.RequestException as error:
        raise _BrokenOffError(_reason(error)) from error
    if total is not None and done < total:
        raise _BrokenOffError(f"the connection ended after {done} of {total} bytes")


def _reason(error: Exception) -> str:
    """The innermost cause, without the addresses of objects that the outer ones print."""
    cause: BaseException = error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__ or cause
    text = str(cause) or type(cause).__name__
    return text.split(": ", 1)[-1] if " object at 0x" in text else text
