"""The tables, made from the field lists in timings/columns.py."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Double, ForeignKey, Integer, MetaData, Table, Text
from sqlalchemy import Column as SqlColumn
from sqlalchemy.types import TypeEngine

from timings.columns import DEVICE_COLUMNS, RUN_COLUMNS, SAMPLE_COLUMNS, CellType

# Raise it with every change of a table, and add the step there to timings/migrations.py. Tests hold it to the columns and to the steps.
SCHEMA_VERSION = 4

_SQL_TYPES: dict[CellType, TypeEngine[Any]] = {str: Text(), int: BigInteger(), float: Double(), bool: Boolean()}

METADATA = MetaData()

schema = Table("zoo_schema", METADATA, SqlColumn("version", Integer, primary_key=True))

# A device as its newest run describes it.
devices = Table(
    "devices",
    METADATA,
    *(SqlColumn(c.name, _SQL_TYPES[c.type], primary_key=c.name == "device_id") for c in DEVICE_COLUMNS),
)

# `posted` is the run's JSON, byte for byte as it came; the other columns repeat it for SQL and CSV.
runs = Table(
    "runs",
    METADATA,
    *(
        SqlColumn(c.name, _SQL_TYPES[c.type], ForeignKey(devices.c.device_id), nullable=False, index=True)
        if c.name == "device_id"
        else SqlColumn(c.name, _SQL_TYPES[c.type], primary_key=c.name == "run_id", index=c.name == "fleet_id" or None)
        for c in RUN_COLUMNS
    ),
    SqlColumn("posted", Text, nullable=False),
)

# `sample` counts from 1, in the order taken.
samples = Table(
    "samples",
    METADATA,
    SqlColumn("run_id", Text, ForeignKey(runs.c.run_id), primary_key=True),
    *(
        SqlColumn(name, _SQL_TYPES[cell], primary_key=name == "sample", nullable=False, autoincrement=False)
        for name, cell in SAMPLE_COLUMNS
    ),
)
