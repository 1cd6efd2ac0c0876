"""Where runs are kept. What `add` has accepted is on the disk before it returns."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Select, func, insert, inspect, select, update

from builder.errors import ZooError
from timings.cells import Measured, measured
from timings.columns import DEVICE_COLUMNS, RUN_COLUMNS, SAMPLE_COLUMNS, Row, row_of
from timings.database import Turns, connect, database_url, explained, make_folder, sqlite_file, writing
from timings.migrations import can_migrate, migrate
from timings.records import Run
from timings.schema import METADATA, SCHEMA_VERSION, devices, runs, samples, schema

_ROWS_AT_A_TIME = 500
_SAMPLE_OWNER = ("run_id", "model", "variant", "backend", "threads", "device_id", "device_name")


class RunIdTakenError(ZooError):
    """Another run is stored under this id."""


class Store:
    """Runs, their samples and their devices in a database. Any number of threads may use one store.

    Every method raises ZooError when the database cannot be used; nothing is then half stored.
    """

    def __init__(self, place: str, *, create: bool = True) -> None:
        """Open the database that `place` (a URL, or a SQLite file's path) names; make what is missing if `create`.

        Tables of an older version are brought to this one.
        """
        self._url = database_url(place)
        file = sqlite_file(self._url)
        if not create and file is not None and not file.is_file():
            raise ZooError(
                f"there is no database {file}",
                got="no such file",
                expected="the database that server.py stores runs in",
                next_step="name it with --database, or measure something first: make serve",
            )
        if create and file is not None:
            make_folder(file)
        self._engine = connect(self._url)
        self._turns = Turns(self._url)
        engine = writing(self._engine) if create else self._engine
        try:
            with explained(self._url, "opened"), engine.begin() as connection:
                found = self._check_schema(connection, create)
            if found < SCHEMA_VERSION:
                with explained(self._url, "brought to this version"), writing(self._engine).begin() as connection:
                    migrate(connection)
        except ZooError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

    def add(self, run: Run, posted: str | None = None) -> bool:
        """Store `run`, and `posted`, its JSON as it came. False if this very run is stored already.

        Raises RunIdTakenError if another run has its id.
        """
        text = run.model_dump_json() if posted is None else posted
        with explained(self._url, "written"), self._turns.next(), writing(self._engine).begin() as connection:
            known = connection.scalar(select(runs.c.posted).where(runs.c.run_id == run.run_id))
            if known is None:
                _insert(connection, run, text)
                return True
        if Run.model_validate_json(known) == run:
            return False
        raise RunIdTakenError(
            "another run is stored under this id",
            got=f"run_id {run.run_id}, with other content than what is stored",
            expected="an id of its own for every run, and runs that do not change",
            next_step="post it with a new run_id (crypto.randomUUID())",
        )

    def get(self, run_id: str) -> str | None:
        """The JSON of that run, as it was posted, or None."""
        with explained(self._url, "read"), self._engine.connect() as connection:
            return connection.scalar(select(runs.c.posted).where(runs.c.run_id == run_id))

    def posted(
        self,
        device_name: str | None = None,
        *,
        device_id: str | None = None,
        model: str | None = None,
        fleet_id: str | None = None,
        latest: int | None = None,
    ) -> Iterator[str]:
        """Runs as they were posted, the oldest first: all, or that device's, that model's and that fleet's; of those `latest` of the newest.

        The first is fetched now.
        """
        query = select(runs.c.posted, runs.c.started_at, runs.c.run_id)
        filters = (
            (runs.c.device_name, device_name),
            (runs.c.device_id, device_id),
            (runs.c.model, model),
            (runs.c.fleet_id, fleet_id),
        )
        for column, wanted in filters:
            if wanted is not None:
                query = query.where(column == wanted)
        if latest is not None:
            query = query.order_by(runs.c.started_at.desc(), runs.c.run_id.desc()).limit(latest)
        chosen = query.subquery()
        _, rows = self._table(select(chosen.c.posted).order_by(chosen.c.started_at, chosen.c.run_id))
        return (str(row[0]) for row in rows)

    def runs(self) -> Iterator[Run]:
        """Every run, whole, the oldest first."""
        for row in self._rows(select(runs.c.posted).order_by(runs.c.started_at, runs.c.run_id)):
            yield Run.model_validate_json(str(row[0]))

    def timings(self) -> tuple[tuple[str, ...], Iterator[Row]]:
        """The names of the columns of the runs, and their rows, the oldest first."""
        query = select(*(runs.c[column.name] for column in RUN_COLUMNS)).order_by(runs.c.started_at, runs.c.run_id)
        return self._table(query)

    def samples(self) -> tuple[tuple[str, ...], Iterator[Row]]:
        """The names of the columns of the samples, and their rows, run by run in the order taken."""
        owner = (runs.c[name] for name in _SAMPLE_OWNER)
        own = (samples.c[name] for name, _ in SAMPLE_COLUMNS)
        query = select(*owner, *own).join_from(samples, runs)
        return self._table(query.order_by(runs.c.started_at, runs.c.run_id, samples.c.sample))

    def devices(self) -> tuple[tuple[str, ...], Iterator[Row]]:
        """The names of the columns of the devices, and their rows, with how many runs each did, and from when to when."""
        own = [devices.c[column.name] for column in DEVICE_COLUMNS]
        query = select(
            *own,
            func.count().label("runs"),
            func.min(runs.c.started_at).label("first_run_at"),
            func.max(runs.c.started_at).label("last_run_at"),
        )
        return self._table(query.join_from(devices, runs).group_by(*own).order_by("first_run_at", devices.c.device_id))

    def _table(self, query: Select[*tuple[Any, ...]]) -> tuple[tuple[str, ...], Iterator[Row]]:
        """The query's columns and rows. The first row is fetched now, so that a database that is gone shows at once."""
        names = tuple(query.selected_columns.keys())
        rows = self._rows(query)
        first = list(itertools.islice(rows, 1))
        return names, itertools.chain(first, rows)

    def _rows(self, query: Select[*tuple[Any, ...]]) -> Iterator[Row]:
        with explained(self._url, "read"), self._engine.connect() as connection:
            streamed = connection.execution_options(yield_per=_ROWS_AT_A_TIME).execute(query)
            for row in streamed:
                yield tuple(row)

    def _check_schema(self, connection: Connection, create: bool) -> int:
        """The version of the tables, which is this one's or one that `migrate` starts from."""
        present = METADATA.tables.keys() & set(inspect(connection).get_table_names())
        if create and not present:
            METADATA.create_all(connection)
            connection.execute(insert(schema).values(version=SCHEMA_VERSION))
            return SCHEMA_VERSION
        found = connection.scalar(select(schema.c.version)) if schema.name in present else None
        if found is None or found > SCHEMA_VERSION or not can_migrate(found):
            raise ZooError(
                f"the database {self._url.render_as_string(hide_password=True)} is not one that this version can use",
                got="no schema version" if found is None else f"schema version {found}",
                expected=f"schema version {SCHEMA_VERSION}, or an older one",
                next_step="choose another one with --database, and keep this one: it is untouched",
            )
        if create:
            # Changes nothing, but a database that cannot be written shows now and not after the first measurement.
            connection.execute(update(schema).values(version=found))
        return int(found)


def _insert(connection: Connection, run: Run, posted: str) -> None:
    """Insert the run, its samples, and its device unless a newer run has described that already."""
    row: Measured = measured(run)
    device = dict(zip((c.name for c in DEVICE_COLUMNS), row_of(DEVICE_COLUMNS, run.device), strict=True))
    cells = dict(zip((c.name for c in RUN_COLUMNS), row_of(RUN_COLUMNS, row), strict=True))
    newest = connection.scalar(select(func.max(runs.c.started_at)).where(runs.c.device_id == run.device.device_id))
    if newest is None:
        connection.execute(insert(devices), device)
    elif str(cells["started_at"]) >= newest:
        connection.execute(update(devices).where(devices.c.device_id == run.device.device_id), device)
    connection.execute(insert(runs), {**cells, "posted": posted})
    if run.samples:
        connection.execute(
            insert(samples),
            [{"run_id": run.run_id, "sample": i, **s.model_dump()} for i, s in enumerate(run.samples, start=1)],
        )
