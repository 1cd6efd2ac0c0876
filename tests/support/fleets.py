"""What fleets and pages tell the server, as JSON: whole and valid."""

from __future__ import annotations

from typing import Any

FLEET = "33333333-4444-4555-8666-777777777777"


def fleet_line(**changes: object) -> dict[str, Any]:
    """A device that waits."""
    blank: dict[str, Any] = dict.fromkeys(("model", "backend", "sample", "samples", "last_ms", "remaining_s", "note"))
    counts = {"runs_over": 0, "runs": 6, "runs_failed": 0, "warnings": 0}
    return {
        **{"device": "Kim's laptop", "host": "here", "kind": "local", "browser": "Chromium 156", "state": "waiting"},
        **blank,
        **counts,
        **changes,
    }


def fleet_table(*lines: dict[str, Any], **changes: object) -> dict[str, Any]:
    """A fleet of these devices, else of one that waits."""
    table = {"fleet_id": FLEET, "started_at": "2026-11-22T01:00:00Z", "server_url": "http://server.example:8000"}
    return {**table, "over": False, "devices": list(lines or (fleet_line(),)), **changes}


def page_progress(**changes: object) -> dict[str, Any]:
    """A page that measures."""
    return {
        "fleet_id": FLEET,
        "device_id": "11111111-2222-4333-8444-555555555555",
        "device_name": "Kim's phone",
        "browser": "Chromium 156",
        "state": "running",
        "model": "echo",
        "backend": "wasm-2",
        "sample": 3,
        "samples": 30,
        "last_ms": 12.5,
        "runs_over": 1,
        "runs": 6,
        "runs_failed": 0,
        "warnings": 2,
        "remaining_s": 40,
        **changes,
    }
