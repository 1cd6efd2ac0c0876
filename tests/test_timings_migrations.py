"""A database of an older version keeps all that was measured, and gains what this version stores; whatever goes wrong in between."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.errors import ZooError
from tests.support.runs import make_run
from timings import migrations
from timings.cells import Cell
from timings.columns import DEVICE_COLUMNS, RUN_COLUMNS, SAMPLE_COLUMNS, Row
from timings.records import Run
from timings.schema import SCHEMA_VERSION
from timings.store import Store

VECTORS = Path(__file__).parent / "vectors"


def written_by(version_of_it: int, place: Path) -> Path:
    """A database as that version of this program wrote it."""
    with sqlite3.connect(place) as connection:
        connection.executescript((VECTORS / f"timings_version_{version_of_it}.sql").read_text())
    connection.close()
    assert version(place) == version_of_it
    return place


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database as version 1 wrote it, with three runs, the last of them failed."""
    return written_by(1, tmp_path / "runs.sqlite")


def ask(file: Path, statement: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(file)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def version(file: Path) -> object:
    ((found,),) = ask(file, "SELECT version FROM zoo_schema")
    return found


def columns(file: Path, table: str = "runs") -> set[object]:
    return {row[1] for row in ask(file, f"PRAGMA table_info({table})")}


def rows_of(table: tuple[tuple[str, ...], Iterator[Row]]) -> list[dict[str, Cell]]:
    names, rows = table
    return [dict(zip(names, row, strict=True)) for row in rows]


@pytest.mark.parametrize("create", [True, False], ids=["to write", "to read"])
@pytest.mark.parametrize("older", [1, 2, 3])
def test_an_older_database_keeps_its_runs_and_takes_new_ones(tmp_path: Path, older: int, *, create: bool) -> None:
    file = written_by(older, tmp_path / "runs.sqlite")
    posted = [str(row[0]) for row in ask(file, "SELECT posted FROM runs ORDER BY started_at")]
    kept = columns(file)
    before = ask(file, "SELECT run_id, median_ms, warnings, error_message FROM runs ORDER BY started_at")
    new = make_run(started_at="2027-01-01T00:00:00Z", backend="webgpu", placement={"webgpu": {"*": 3}})
    with Store(str(file), create=create) as store:
        assert list(store.posted()) == posted
        assert [run.model_dump_json() for run in store.runs()] == [
            Run.model_validate_json(p).model_dump_json() for p in posted
        ]
        store.add(new)
        timings, samples = rows_of(store.timings()), rows_of(store.samples())
    added = {column.name for column in RUN_COLUMNS} - kept
    assert {"fleet_id", "clock_offset_s", "emulated"} <= added
    assert ({"backend_ran", "order_mode", "median_low_ms", "engine"} <= added) == (older < 3)
    assert [{row[name] for name in added} for row in timings[:-1]] == [{None}] * len(posted)
    assert ask(file, "SELECT run_id, median_ms, warnings, error_message FROM runs ORDER BY started_at")[:-1] == before
    assert (timings[-1]["nodes_fallen_back"], timings[-1]["backend_ran"], timings[-1]["order_position"]) == (
        0,
        "webgpu",
        2,
    )
    assert {row["round"] for row in samples if row["run_id"] != new.run_id} == ({1} if older < 3 else {1, 2, 3})
    assert [row["round"] for row in samples if row["run_id"] == new.run_id] == [1, 1, 2, 2, 3]
    assert version(file) == SCHEMA_VERSION
    assert columns(file) == {*(column.name for column in RUN_COLUMNS), "posted"}
    assert columns(file, "devices") == {column.name for column in DEVICE_COLUMNS}
    assert columns(file, "samples") == {"run_id", *(name for name, _ in SAMPLE_COLUMNS)}
    with Store(str(file)) as again:
        assert list(again.runs())[-1] == new


def test_a_migrated_database_has_the_columns_of_a_new_one(tmp_path: Path) -> None:
    """Names and types; SQLite says REAL's names as they were written, so both spellings of a double count as one."""
    places = [written_by(1, tmp_path / "old.sqlite"), tmp_path / "new.sqlite"]
    for place in places:
        Store(str(place)).close()
    for table in ("runs", "devices", "samples"):
        old, new = (
            {
                (row[1], str(row[2]).replace("DOUBLE PRECISION", "DOUBLE"))
                for row in ask(place, f"PRAGMA table_info({table})")
            }
            for place in places
        )
        assert old == new


def test_every_older_version_leads_to_this_one() -> None:
    assert sorted(migrations.STEPS) == list(range(1, SCHEMA_VERSION))


def test_a_step_that_fails_leaves_the_database_as_it_was(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setitem(migrations.STEPS, 1, (*migrations.STEPS[1], "ALTER TABLE no_such_table ADD COLUMN x BIGINT"))
        with pytest.raises(ZooError, match="cannot be brought to this version") as caught:
            Store(str(file))
    assert caught.value.got == "no such table: no_such_table"
    assert (version(file), "nodes_fallen_back" in columns(file)) == (1, False)
    with Store(str(file)) as store:
        assert len(list(store.runs())) == 3


KILLED_IN_BETWEEN = """
import os, sys
from timings import migrations
from timings.store import Store

def killed(*_):
    os._exit(9)

migrations.update = killed  # the column is there, the version not yet
Store(sys.argv[1])
"""


def test_a_program_that_is_killed_in_between_leaves_the_database_as_it_was(file: Path) -> None:
    root = Path(__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", KILLED_IN_BETWEEN, file], cwd=root, timeout=60).returncode == 9
    assert (version(file), "nodes_fallen_back" in columns(file)) == (1, False)
    with Store(str(file)) as store:
        assert len(list(store.runs())) == 3
    assert version(file) == SCHEMA_VERSION


def test_two_programs_that_open_it_at_once_bring_it_here_once(file: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "import sys; from timings.store import Store; Store(sys.argv[1]).close()",
        str(file),
    ]
    programs = [subprocess.Popen(command, cwd=Path(__file__).parents[1]) for _ in range(2)]
    assert [program.wait(timeout=60) for program in programs] == [0, 0]
    assert (version(file), columns(file) >= {"nodes_fallen_back"}) == (SCHEMA_VERSION, True)


def test_a_newer_database_is_refused_and_left_alone(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute(f"UPDATE zoo_schema SET version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(ZooError, match="not one that this version can use") as caught:
        Store(str(file))
    assert caught.value.got == f"schema version {SCHEMA_VERSION + 1}"
    assert caught.value.expected == f"schema version {SCHEMA_VERSION}, or an older one"
    assert (version(file), "nodes_fallen_back" in columns(file)) == (SCHEMA_VERSION + 1, False)


@pytest.mark.parametrize(("older", "samples"), [(1, [3, 1, 0]), (2, [3, 0, 3, 0, 2]), (3, [3, 3, 0])])
def test_the_old_runs_are_whole(tmp_path: Path, older: int, samples: list[int]) -> None:
    """What the other tests rely on: the files hold runs that this version reads."""
    file = written_by(older, tmp_path / "runs.sqlite")
    runs = [Run.model_validate_json(str(row[0])) for row in ask(file, "SELECT posted FROM runs ORDER BY started_at")]
    assert [len(run.samples) for run in runs] == samples
    assert {run.schema_version for run in runs} == {1 if older < 3 else 2}
