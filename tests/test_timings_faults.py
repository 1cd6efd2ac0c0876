"""Databases that are locked, full, read-only, damaged or something else: each is named, and nothing stored is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.errors import ZooError
from tests.support.runs import make_run
from tests.support.serving import stored
from timings import database
from timings.store import Store


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "runs.sqlite"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    with Store(str(file)) as opened:
        yield opened


def test_a_locked_database_is_named_and_works_once_it_is_free(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_BUSY_MS", 50)
    run = make_run()
    with Store(str(file)) as store:
        holder = sqlite3.connect(file, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(ZooError, match=f"the database sqlite:///{file} cannot be written") as caught:
            store.add(run)
        holder.execute("ROLLBACK")
        holder.close()
        assert store.add(run) is True
    assert caught.value.got == "database is locked"
    assert "end the program that holds it" in caught.value.next_step


def test_a_full_disk_is_named_and_loses_nothing_that_was_stored(store: Store) -> None:
    kept = make_run()
    store.add(kept)
    with store._engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    big = make_run(samples_ms=[1.0] * 5_000)
    with pytest.raises(ZooError, match="cannot be written") as caught:
        store.add(big)
    assert (caught.value.got, caught.value.expected) == ("database or disk is full", "a disk with free space")
    assert list(store.runs()) == [kept]
    with store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    assert store.add(big) is True


def test_a_read_only_database_is_named(store: Store, file: Path) -> None:
    run = make_run()
    store.add(run)
    place = f"sqlite:///file:{file}?mode=ro&uri=true"
    with pytest.raises(ZooError, match="cannot be opened") as caught:
        Store(place)
    assert caught.value.got == "attempt to write a readonly database"
    assert "permissions" in caught.value.next_step


def test_what_is_no_database_is_named_and_left_alone(file: Path) -> None:
    text = "these are my notes, not a database\n" * 100
    file.write_text(text)
    with pytest.raises(ZooError, match="cannot be opened") as caught:
        Store(str(file))
    assert (caught.value.got, caught.value.expected) == ("file is not a database", "a SQLite database")
    assert file.read_text() == text


def test_a_damaged_database_is_named(file: Path) -> None:
    with Store(str(file)) as store:
        store.add(make_run())
    with file.open("r+b") as opened:
        opened.seek(4096)
        opened.write(b"\xff" * (file.stat().st_size - 4096))
    with pytest.raises(ZooError, match="cannot be") as caught, Store(str(file)) as store:
        list(store.runs())
    assert caught.value.got == "database disk image is malformed"


@pytest.mark.parametrize(
    ("place", "got"),
    [
        ("{tmp}", "unable to open database file"),
        ("{tmp}/file/runs.sqlite", "File exists"),
        ("{tmp}/file/folder/runs.sqlite", "Not a directory"),
        ("nosuch://host/name", "nosuch"),
        ("://", "Could not parse"),
        ("sqlite://", "a URL without a file"),
        (":memory:", ":memory:"),
    ],
)
def test_an_address_that_cannot_be_used_is_named(place: str, got: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ZooError) as caught:
        Store(place.format(tmp=tmp_path))
    assert got in caught.value.got
    assert "--database" in caught.value.next_step


def test_a_database_to_read_must_exist(file: Path) -> None:
    with pytest.raises(ZooError, match="there is no database"):
        Store(str(file), create=False)
    assert not file.exists()


@pytest.mark.parametrize(
    ("statement", "got"),
    [
        ("UPDATE zoo_schema SET version = 999", "schema version 999"),
        ("DROP TABLE zoo_schema", "no schema version"),
    ],
)
def test_another_version_of_the_tables_is_refused_and_left_alone(file: Path, statement: str, got: str) -> None:
    with Store(str(file)) as store:
        store.add(make_run())
    connection = sqlite3.connect(file)
    connection.execute(statement)
    connection.commit()
    connection.close()
    with pytest.raises(ZooError, match="not one that this version can use") as caught:
        Store(str(file))
    assert caught.value.got == got
    assert stored(file) == 1
