"""GET /api/runs: every stored run as JSON, for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from server import Settings
from tests.support.runs import DEVICE, fits, make_failed_run, make_run
from tests.support.serving import ask, client_of, post
from timings.records import Run

FLEET, OTHER_FLEET = "33333333-4444-4555-8666-777777777777", "33333333-4444-4555-8666-888888888888"


@pytest.fixture
def client(tiny_zoo: Path, tmp_path: Path) -> Iterator[FlaskClient]:
    with client_of(Settings(tiny_zoo, str(tmp_path / "runs.sqlite"))) as opened:
        yield opened


def listed(client: FlaskClient, query: str = "") -> list[Run]:
    reply = ask(client, f"/api/runs{query}")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json")
    document = json.loads(reply.body)
    assert list(document) == ["runs"]
    return [Run.model_validate_json(json.dumps(run)) for run in document["runs"]]


def test_runs_are_listed_newest_last(client: FlaskClient, tiny_zoo: Path) -> None:
    assert listed(client) == []
    known = fits(tiny_zoo)
    late = make_run(**known, started_at="2026-03-05T00:00:00Z", placement={"wasm": {"*": 3}})
    early = make_failed_run(**{**known, "final_check": None}, started_at="2026-03-04T00:00:00Z")
    for run in (late, early):
        assert post(client, run.model_dump_json()).status == 201
    assert listed(client) == [early, late]


def test_the_runs_of_one_device_can_be_asked_for(client: FlaskClient, tiny_zoo: Path) -> None:
    name = "Zoë's phone & tablet"
    other = make_run(**fits(tiny_zoo), device=DEVICE.model_copy(update={"device_name": name}))
    for run in (make_run(**fits(tiny_zoo)), other):
        post(client, run.model_dump_json())
    assert listed(client, "?device_name=Zo%C3%AB%27s+phone+%26+tablet") == [other]
    assert listed(client, "?device_name=nobody") == []


def test_the_runs_of_one_model_on_one_device_can_be_asked_for(client: FlaskClient, tiny_zoo: Path) -> None:
    elsewhere = DEVICE.model_copy(update={"device_id": "00000000-0000-4000-8000-000000000001"})
    here, there = make_run(**fits(tiny_zoo)), make_run(**fits(tiny_zoo), device=elsewhere)
    other = make_run(**fits(tiny_zoo, "echo_boxes"))
    for run in (here, there, other):
        assert post(client, run.model_dump_json()).status == 201
    assert listed(client, f"?device_id={elsewhere.device_id}") == [there]
    assert listed(client, f"?device_id={DEVICE.device_id}&model=echo") == [here]
    assert listed(client, "?model=echo_boxes") == [other]
    assert listed(client, "?model=nothing") == []


def test_the_runs_of_one_fleet_can_be_asked_for(client: FlaskClient, tiny_zoo: Path) -> None:
    ours, theirs, nobodys = (make_run(**fits(tiny_zoo), fleet_id=fleet) for fleet in (FLEET, OTHER_FLEET, None))
    for run in (ours, theirs, nobodys):
        assert post(client, run.model_dump_json()).status == 201
    assert listed(client, f"?fleet_id={FLEET}") == [ours]
    assert listed(client, f"?fleet_id={FLEET}&model=echo_boxes") == []
    assert len(listed(client)) == 3


def test_the_newest_runs_can_be_asked_for(client: FlaskClient, tiny_zoo: Path) -> None:
    runs = [make_run(**fits(tiny_zoo), started_at=f"2026-03-0{day}T00:00:00Z") for day in (3, 1, 2)]
    for run in runs:
        post(client, run.model_dump_json())
    third, first, second = runs
    assert listed(client, "?latest=2") == [second, third]
    assert listed(client, "?latest=10000") == [first, second, third]


@pytest.mark.parametrize(
    ("query", "got"),
    [
        ("models=echo", "the parameter models"),
        ("device_id=kims-phone", "device_id=kims-phone"),
        ("device_id=", "device_id="),
        ("fleet_id=33333333-4444-4555-8666-77777777777A", "fleet_id=33333333-4444-4555-8666-77777777777A"),
        ("model=", "model of 0 characters"),
        (f"device_name={'x' * 201}", "device_name of 201 characters"),
        ("latest=0", "latest=0"),
        ("latest=-1", "latest=-1"),
        ("latest=1.5", "latest=1.5"),
        ("latest=10001", "latest=10001"),
        (f"latest={'9' * 500}", f"latest={'9' * 200}"),
        ("latest=%D9%A1", "latest=\N{ARABIC-INDIC DIGIT ONE}"),
    ],
)
def test_what_cannot_be_asked_for_is_named(client: FlaskClient, query: str, got: str) -> None:
    reply = ask(client, f"/api/runs?{query}")
    assert (reply.status, reply.error()["got"]) == (400, got)
