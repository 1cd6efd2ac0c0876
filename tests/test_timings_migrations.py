"""A database of an older version keeps all that was measured, and gains what this version stores; whatever goes wrong in between."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from builder.errors import ZooError
from tests.support.runs import make_run
from timings import migrations
from timings.columns import RUN_COLUMNS
from timings.records import Run
from timings.schema import SCHEMA_VERSION
from timings.store import Store

VERSION_1 = Path(__file__).parent / "vectors" / "timings_version_1.sql"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database as version 1 wrote it, with three runs, the last of them failed."""
    place = tmp_path / "runs.sqlite"
    with sqlite3.connect(place) as connection:
        connection.executescript(VERSION_1.read_text())
    connection.close()
    assert version(place) == 1
    return place


def ask(file: Path, statement: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(file)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def version(file: Path) -> object:
    ((found,),) = ask(file, "SELECT version FROM zoo_schema")
    return found


def columns(file: Path) -> set[object]:
    return {row[1] for row in ask(file, "PRAGMA table_info(runs)")}


@pytest.mark.parametrize("create", [True, False], ids=["to write", "to read"])
def test_an_older_database_keeps_its_runs_and_takes_new_ones(file: Path, *, create: bool) -> None:
    posted = [row[0] for row in ask(file, "SELECT posted FROM runs ORDER BY started_at")]
    new = make_run(started_at="2026-04-01T00:00:00Z", backend="webgpu", placement={"webgpu": {"*": 3}})
    with Store(str(file), create=create) as store:
        assert list(store.posted()) == posted
        assert [run.placement for run in store.runs()] == [None, None, None]
        store.add(new)
        names, rows = store.timings()
        fallen_back = [row[names.index("nodes_fallen_back")] for row in rows]
    assert fallen_back == [None, None, None, 0]
    assert version(file) == SCHEMA_VERSION
    assert columns(file) == {*(column.name for column in RUN_COLUMNS), "posted"}
    with Store(str(file)) as again:
        assert list(again.runs())[-1] == new


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


def test_the_old_runs_are_whole() -> None:
    """What the other tests rely on: the file holds runs that this version reads."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(VERSION_1.read_text())
    runs = [Run.model_validate_json(row[0]) for row in connection.execute("SELECT posted FROM runs")]
    connection.close()
    assert [len(run.samples) for run in runs] == [3, 1, 0]
