"""From an older version of the tables to this one. What was measured is never lost to a new version of this program."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from timings.schema import SCHEMA_VERSION, schema


def _added(table: str, kind: str, names: str) -> tuple[str, ...]:
    """Columns of that kind, which are null in the rows that are there. Quoted, because PRECISION is a word of SQL."""
    return tuple(f'ALTER TABLE {table} ADD COLUMN "{name}" {kind}' for name in names.split())


_DEVICE_3 = "engine engine_version bitness form_factor webgl_renderer"

# By the version that a step starts from: what leads to the next one. As SQL, and not made from today's tables, which will change again.
STEPS: dict[int, tuple[str, ...]] = {
    1: ("ALTER TABLE runs ADD COLUMN nodes_fallen_back BIGINT",),
    2: (
        *_added("devices", "TEXT", _DEVICE_3),
        *_added("devices", "BOOLEAN", "wow64 gpu_fallback_adapter"),
        *_added("runs", "TEXT", f"{_DEVICE_3} user_agent device_type backend_ran warmup_ended_by"),
        *_added("runs", "TEXT", "batch_id order_mode order_reason wake_lock"),
        *_added("runs", "BIGINT", "screen_width screen_height threads_requested end_to_end_n"),
        *_added("runs", "BIGINT", "order_seed order_position order_runs order_block times_hidden repeats"),
        *_added("runs", "BOOLEAN", "wow64 gpu_fallback_adapter wasm_simd wasm_relaxed_simd wasm_threads"),
        *_added("runs", "BOOLEAN", "battery_charging"),
        *_added("runs", "DOUBLE PRECISION", "pixel_ratio min_time_s precision runtime_ms median_low_ms median_high_ms"),
        *_added("runs", "DOUBLE PRECISION", "end_to_end_median_ms preprocess_median_ms postprocess_median_ms"),
        *_added("runs", "DOUBLE PRECISION", "battery_level calibration_before_ms calibration_before_lost"),
        *_added("runs", "DOUBLE PRECISION", "calibration_after_ms calibration_after_lost"),
        "ALTER TABLE samples ADD COLUMN round BIGINT NOT NULL DEFAULT 1",
    ),
    3: (
        *_added("devices", "TEXT", "emulated"),
        *_added("runs", "TEXT", "emulated fleet_id"),
        *_added("runs", "DOUBLE PRECISION", "clock_offset_s"),
        "CREATE INDEX ix_runs_fleet_id ON runs (fleet_id)",
    ),
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
