"""From an older version of the tables to this one. What was measured is never lost to a new version of this program."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from timings.schema import SCHEMA_VERSION, schema

# By the version that a step starts from: what leads to the next one. As SQL, and not made from today's tables, which will change again.
STEPS: dict[int, tuple[str, ...]] = {
    1: ("ALTER TABLE runs ADD COLUMN nodes_fallen_back BIGINT",),
}


def can_migrate(version: int | None) -> bool:
    """Whether `migrate` leads from tables of that version to today's."""
    return version is not None and all(step in STEPS for step in range(version, SCHEMA_VERSION))


def migrate(connection: Connection) -> None:
    """Bring the tables to SCHEMA_VERSION within the connection's transaction: all of it, or nothing if that is not committed.

    Another process that did the same first leaves nothing to do.
    """
    found = connection.scalar(select(schema.c.version).with_for_update())
    assert found is not None
    for version in range(found, SCHEMA_VERSION):
        for statement in STEPS[version]:
            connection.exec_driver_sql(statement)
        connection.execute(update(schema).values(version=version + 1))
