"""Connecting to a database, and saying in words what is wrong with one. Only what depends on the kind of database is here."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from builder.errors import ZooError

# Where server.py stores runs and python -m timings looks for them, unless --database says otherwise.
DEFAULT_PLACE = "results/timings.sqlite"

_BUSY_MS = 10_000
_WRITES = "zoo_writes"

_LOCKED = (
    "a database that nothing else keeps locked",
    "end the program that holds it, then try again; nothing that was stored is lost",
)
_NOT_WRITABLE = (
    "a file and a folder that this user may write to",
    "change their permissions, or choose another file with --database",
)
_NOT_OURS = ("a SQLite database", "move that file away, or choose another one with --database")
_SQLITE_ADVICE = {
    "SQLITE_BUSY": _LOCKED,
    "SQLITE_LOCKED": _LOCKED,
    "SQLITE_READONLY": _NOT_WRITABLE,
    "SQLITE_CANTOPEN": _NOT_WRITABLE,
    "SQLITE_PERM": _NOT_WRITABLE,
    "SQLITE_FULL": ("a disk with free space", "free some space, then try again; nothing that was stored is lost"),
    "SQLITE_NOTADB": _NOT_OURS,
    "SQLITE_CORRUPT": ("an intact database", "move that file away and keep it, then start with a new one"),
}
_OTHER_ADVICE = ("a database that answers", "see that it runs and that its address is right, then try again")


def database_url(place: str) -> URL:
    """The URL that `place` is, or that of the SQLite file which it names. Raises ZooError for what is neither."""
    if "://" not in place:
        return URL.create("sqlite", database=place)
    try:
        url = make_url(place)
        url.get_dialect()
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise ZooError(
            "the database's address is not usable",
            got=str(error),
            expected="a file's path, or a URL such as postgresql+psycopg://user@host/name",
            next_step="mend --database",
        ) from error
    return url


def connect(url: URL) -> Engine:
    """An engine for that database. SQLite: write-ahead log, synced at every commit, foreign keys checked."""
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    if url.database in (None, "", ":memory:"):
        raise ZooError(
            "a database in memory cannot keep timings",
            got=url.database or "a URL without a file",
            expected="a file's path",
            next_step="name one with --database",
        )
    engine = create_engine(url)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def writing(engine: Engine) -> Engine:
    """The same engine, for transactions that write: on SQLite they wait for the writer's place at their start, not halfway."""
    return engine.execution_options(**{_WRITES: True})


class Turns:
    """Lets the threads of this process write to a SQLite database one after another. Other databases see to that themselves.

    SQLite has no queue: who finds the writer's place taken sleeps and looks again, longer each time, while others come and take it. Of eight
    threads that wrote without a pause, one in a hundred waited for 3 s, and some for the 10 s after which they were refused.
    """

    def __init__(self, url: URL) -> None:
        self._lock = threading.Lock() if url.get_backend_name() == "sqlite" else None

    @contextlib.contextmanager
    def next(self) -> Iterator[None]:
        """The caller's turn to write. Raises sqlite3.OperationalError if it does not come for as long as SQLite itself would wait."""
        if self._lock is None:
            yield
            return
        if not self._lock.acquire(timeout=_BUSY_MS / 1000):
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorname = "SQLITE_BUSY"
            raise error
        try:
            yield
        finally:
            self._lock.release()


def sqlite_file(url: URL) -> Path | None:
    """The file of a SQLite database, else None. What SQLite itself takes apart (a "file:" URI) is no path."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith("file:"):
        return None
    return Path(url.database)


def make_folder(file: Path) -> None:
    """Make the folder that `file` is to be in. Raises ZooError if that cannot be done."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        expected, next_step = _NOT_WRITABLE
        raise ZooError(
            f"the database's folder {file.parent} cannot be made",
            got=error.strerror or str(error),
            expected=expected,
            next_step=next_step,
        ) from error


@contextlib.contextmanager
def explained(url: URL, doing: str) -> Iterator[None]:
    """Turn a database's errors into ZooErrors. `doing` completes 'the database cannot be ...'."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        expected, next_step = _advice(cause)
        raise ZooError(
            f"the database {url.render_as_string(hide_password=True)} cannot be {doing}",
            got=str(cause),
            expected=expected,
            next_step=next_step,
        ) from error


def _advice(cause: BaseException | None) -> tuple[str, str]:
    if not isinstance(cause, sqlite3.Error):
        return _OTHER_ADVICE
    # Extended codes, such as SQLITE_READONLY_DBMOVED, begin with the plain one.
    code = "_".join(getattr(cause, "sqlite_errorname", "").split("_")[:2])
    return _SQLITE_ADVICE.get(code, _OTHER_ADVICE)


def _prepare_sqlite(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    # Python's own module would begin transactions late and never around CREATE TABLE; _begin_sqlite does it instead.
    connection.isolation_level = None
    for pragma in (f"busy_timeout = {_BUSY_MS}", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
