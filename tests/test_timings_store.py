"""The store: what is added stays, once, whole, whatever goes wrong with the database."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.runs import DEVICE, make_failed_run, make_run
from timings import database
from timings.records import Run
from timings.store import RunIdTakenError, Store


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "runs.sqlite"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    with Store(str(file)) as opened:
        yield opened


def count(file: Path, table: str) -> int:
    connection = sqlite3.connect(file)
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        connection.close()


def test_a_run_comes_back_exactly_as_it_was_posted(store: Store) -> None:
    run = make_run()
    posted = run.model_dump_json(indent=3)
    assert store.add(run, posted) is True
    assert store.get(run.run_id) == posted
    assert list(store.runs()) == [run]
    assert store.get("no such run") is None


def test_a_failed_run_is_kept_too(store: Store, file: Path) -> None:
    run = make_failed_run()
    store.add(run)
    assert list(store.runs()) == [run]
    assert count(file, "samples") == 0


def test_the_same_run_is_stored_once(store: Store, file: Path) -> None:
    run = make_run()
    assert store.add(run) is True
    assert store.add(run, run.model_dump_json(indent=2)) is False
    assert (count(file, "runs"), count(file, "samples"), count(file, "devices")) == (1, 5, 1)


def test_another_run_under_a_used_id_is_refused_and_changes_nothing(store: Store) -> None:
    first = make_run()
    store.add(first)
    other = make_run(run_id=first.run_id, samples_ms=(1.0, 2.0))
    with pytest.raises(RunIdTakenError, match="another run is stored under this id") as caught:
        store.add(other)
    assert first.run_id in caught.value.got
    assert list(store.runs()) == [first]


def test_runs_are_in_another_connection_before_add_returns(store: Store, file: Path) -> None:
    store.add(make_run())
    assert (count(file, "runs"), count(file, "samples"), count(file, "devices")) == (1, 5, 1)


def test_sqlite_keeps_a_write_ahead_log_syncs_every_commit_and_checks_keys(file: Path) -> None:
    engine = database.connect(database.database_url(str(file)))
    with engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    engine.dispose()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}


def test_a_store_opened_again_has_everything(file: Path) -> None:
    run = make_run()
    with Store(str(file)) as first:
        first.add(run)
    with Store(str(file), create=False) as second:
        assert list(second.runs()) == [run]


def test_many_threads_and_two_stores_lose_nothing(file: Path) -> None:
    runs = [make_run() for _ in range(160)]
    failures: list[BaseException] = []

    def add(opened: Store, part: list[Run]) -> None:
        try:
            assert all(opened.add(run) for run in part)
        except BaseException as error:
            failures.append(error)

    with Store(str(file)) as one, Store(str(file)) as other:
        threads = [threading.Thread(target=add, args=((one, other)[i % 2], runs[i::8])) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert {run.run_id for run in one.runs()} == {run.run_id for run in runs}


def test_an_export_that_nobody_finishes_reading_does_not_hold_up_writers(store: Store) -> None:
    for _ in range(3):
        store.add(make_run())
    _, rows = store.timings()
    next(rows)
    assert store.add(make_run()) is True
    assert len(list(rows)) == 2


def test_a_device_is_kept_as_its_newest_run_describes_it(store: Store) -> None:
    def at(moment: str, name: str) -> Run:
        return make_run(started_at=moment, device=DEVICE.model_copy(update={"device_name": name}))

    store.add(at("2026-03-01T10:00:00Z", "first name"))
    store.add(at("2026-03-03T10:00:00Z", "newest name"))
    store.add(at("2026-03-02T10:00:00Z", "late upload"))
    names, rows = store.devices()
    (device,) = [dict(zip(names, row, strict=True)) for row in rows]
    assert device["device_name"] == "newest name"
    assert (device["runs"], device["first_run_at"], device["last_run_at"]) == (
        3,
        "2026-03-01T10:00:00.000Z",
        "2026-03-03T10:00:00.000Z",
    )


def test_rows_come_oldest_first_and_samples_in_the_order_taken(store: Store) -> None:
    late = make_run(started_at="2026-03-02T00:00:00Z", samples_ms=(3.0, 1.0, 2.0))
    early = make_run(started_at="2026-03-01T23:00:00Z", samples_ms=(9.0,))
    store.add(late)
    store.add(early)
    names, rows = store.samples()
    places = [names.index(name) for name in ("run_id", "sample", "duration_ms", "round")]
    taken = [tuple(row[place] for place in places) for row in rows]
    expected = [
        (early.run_id, 1, 9.0, 1),
        (late.run_id, 1, 3.0, 1),
        (late.run_id, 2, 1.0, 1),
        (late.run_id, 3, 2.0, 2),
    ]
    assert taken == expected


def test_the_folder_of_a_new_database_is_made(tmp_path: Path) -> None:
    file = tmp_path / "results" / "today" / "runs.sqlite"
    with Store(str(file)) as store:
        store.add(make_run())
    assert count(file, "runs") == 1


def test_odd_characters_in_the_file_name_are_no_part_of_an_address(tmp_path: Path) -> None:
    file = tmp_path / "what? 50% & more#.sqlite"
    with Store(str(file)) as store:
        store.add(make_run())
    assert count(file, "runs") == 1
