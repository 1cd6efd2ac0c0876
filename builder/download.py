"""Fetching one large file: from the first address that has it, resumed where it stopped, checked before anybody sees it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from builder.errors import ZooError

_CHUNK = 1 << 20
_PIECE = 1 << 16  # when a connection breaks, the piece that was under way is lost
_TIMEOUT_S = (5.0, 30.0)  # to connect, and between two pieces of the answer
_ATTEMPTS = 3
_LOOK_EVERY_S = 0.5  # at what another process has fetched so far

OnBytes = Callable[[int, int | None], None]


class UnreachableError(ZooError):
    """No server could be reached, or each broke off; what arrived is kept, and the next try goes on from there."""


class WrongContentError(ZooError):
    """A server gave something else than the published file."""


class _BrokenOffError(Exception):
    """One request did not bring everything; the message says why."""


def download(
    addresses: Sequence[str], destination: Path, *, size: int | None, checksums: Sequence[str], on_bytes: OnBytes
) -> None:
    """Fetch the file that all `addresses` are said to have to `destination`, from the first that gives it whole and right.

    The bytes go to `destination` + ".partial"; an earlier partial file is continued with a range request, also where another address
    had begun it: if the whole is then wrong, this address is asked once more for everything. `size` (bytes) and every checksum
    ("algorithm:digits") are checked before the file gets its name. `on_bytes(done, total)` is called as bytes arrive.
    Where another process is fetching the same file, waits for it and uses what it fetched.
    Raises WrongContentError when an address gave other content, else UnreachableError when the network failed; ZooError when the
    file cannot be written.
    """
    if not checksums:
        raise ValueError("a download without a checksum cannot be trusted")
    partial = destination.with_name(destination.name + ".partial")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with _only_one(destination, partial, size, on_bytes):
            if destination.is_file() and content_problem(destination, size, checksums) is None:
                return
            _from_any(addresses, partial, size, checksums, on_bytes)
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


@contextmanager
def _only_one(destination: Path, partial: Path, size: int | None, on_bytes: OnBytes) -> Iterator[None]:
    """Hold the right to fetch this file. While another process holds it, its progress is told as if it were ours."""
    lock = FileLock(destination.with_name(f".{destination.name}.lock"))
    while True:
        try:
            lock.acquire(timeout=_LOOK_EVERY_S)
            break
        except Timeout:
            on_bytes(partial.stat().st_size if partial.exists() else 0, size)
    try:
        yield
    finally:
        lock.release()


def _from_any(
    addresses: Sequence[str], partial: Path, size: int | None, checksums: Sequence[str], on_bytes: OnBytes
) -> None:
    """Bring `partial` to its full and right content, or raise the errors of all addresses as one."""
    failures: list[ZooError] = []
    for address in addresses:
        try:
            _fetch_right(address, partial, size, checksums, on_bytes)
            return
        except (UnreachableError, WrongContentError) as error:
            failures.append(error)
    # Wrong content goes before an address that does not answer: it must not be taken for a network that is away.
    worst = next((f for f in failures if isinstance(f, WrongContentError)), failures[0])
    if len(failures) > 1:
        each = "; ".join(f"{f.what}: {f.got}" for f in failures)
        raise type(worst)(
            f"none of the {len(failures)} addresses of {partial.stem} gave it",
            got=each,
            expected=worst.expected,
            next_step=worst.next_step,
        ) from worst
    raise worst


def _fetch_right(url: str, partial: Path, size: int | None, checksums: Sequence[str], on_bytes: OnBytes) -> None:
    """Bring `partial` to the published content from one address, or raise and leave nothing wrong behind."""
    resumed = _fetch(url, partial, size, on_bytes)
    problem = content_problem(partial, size, checksums)
    if problem and resumed:
        # The start may have been from another version of the file, or from another address: once more, from nothing.
        partial.unlink()
        _fetch(url, partial, size, on_bytes)
        problem = content_problem(partial, size, checksums)
    if problem:
        partial.unlink()
        got, expected = problem
        raise WrongContentError(
            f"{url} did not give the published file",
            got=got,
            expected=expected,
            next_step="try again; if it stays, a proxy may answer in the server's place, or the file was replaced: do not use it",
        )


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
    """Bring `partial` to its full length; True when it continued what an earlier call, or another address, had left."""
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
            on_bytes(done, total)
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
