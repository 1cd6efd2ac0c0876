"""What fleets and pages tell of themselves: kept in memory, bounded, strictly read, and never a measurement."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from server import Settings
from serving.fleets import FLEETS_MOST, PAGES_MOST, Fleets
from tests.conftest import Program
from tests.support.fleets import FLEET, fleet_line, fleet_table, page_progress
from tests.support.serving import Reply, ask, ask_server, client_of
from timings.fleet_records import DEVICES_MOST, FleetTable, PageProgress

OTHER = "33333333-4444-4555-8666-888888888888"


@pytest.fixture
def client(tiny_zoo: Path, tmp_path: Path) -> Iterator[FlaskClient]:
    with client_of(Settings(tiny_zoo, str(tmp_path / "runs.sqlite"))) as opened:
        yield opened


def put(client: FlaskClient, table: object, fleet_id: str = FLEET, **headers: str) -> Reply:
    body = table if isinstance(table, bytes) else json.dumps(table).encode()
    return ask(client, f"/api/fleets/{fleet_id}", "PUT", data=body, content_type="application/json", headers=headers)


def tell(client: FlaskClient, progress: object) -> Reply:
    body = progress if isinstance(progress, bytes) else json.dumps(progress).encode()
    return ask(client, "/api/progress", "POST", data=body, content_type="application/json")


def read(client: FlaskClient, path: str) -> Any:
    reply = ask(client, path)
    assert (reply.status, reply.headers["Cache-Control"]) == (200, "no-store")
    return json.loads(reply.body)


def test_a_fleet_tells_its_table_and_the_latest_one_counts(client: FlaskClient) -> None:
    assert read(client, "/api/fleets") == {"fleets": []}
    first = put(client, fleet_table())
    assert (first.status, json.loads(first.body)) == (201, {"fleet_id": FLEET, "stored": True})
    later = fleet_table(fleet_line(state="done", runs_over=6), over=True)
    assert put(client, later).status == 200
    found = read(client, f"/api/fleets/{FLEET}")
    assert 0 <= found.pop("age_s") < 60
    assert found == later
    (known,) = read(client, "/api/fleets")["fleets"]
    assert {name: known[name] for name in ("fleet_id", "over", "devices")} == {
        "fleet_id": FLEET,
        "over": True,
        "devices": 1,
    }


def test_fleets_are_listed_by_their_beginning_the_newest_first(client: FlaskClient) -> None:
    put(client, fleet_table(started_at="2026-11-22T02:00:00Z"))
    put(client, fleet_table(fleet_id=OTHER, started_at="2026-11-22T02:30:00+01:00"), OTHER)
    assert [one["fleet_id"] for one in read(client, "/api/fleets")["fleets"]] == [FLEET, OTHER]


def test_what_pages_tell_can_be_read_by_fleet(client: FlaskClient) -> None:
    ours, theirs = page_progress(), page_progress(fleet_id=OTHER, device_id=str(uuid.uuid4()), device_name="A phone")
    nobodys = page_progress(fleet_id=None, device_id=str(uuid.uuid4()), device_name="Another phone")
    for told in (ours, theirs, nobodys):
        reply = tell(client, told)
        assert (reply.status, json.loads(reply.body)) == (200, {"noted": True})
    tell(client, ours | {"state": "done"})
    (found,) = read(client, f"/api/progress?fleet_id={FLEET}")["devices"]
    assert 0 <= found.pop("age_s") < 60
    assert found == ours | {"state": "done"}
    assert [one["device_name"] for one in read(client, "/api/progress")["devices"]] == [
        *("A phone", "Another phone", ours["device_name"]),
    ]


def test_two_devices_of_one_name_stay_two(client: FlaskClient) -> None:
    """So that whoever drives them can see that somebody joined twice."""
    for device_id in (str(uuid.uuid4()), str(uuid.uuid4())):
        tell(client, page_progress(device_id=device_id))
    assert len(read(client, f"/api/progress?fleet_id={FLEET}")["devices"]) == 2


BAD_TABLES: list[tuple[str, object, str]] = [
    ("no JSON", b"{", "the whole: Invalid JSON"),
    ("another fleet's", fleet_table(fleet_id=OTHER), f"{FLEET} in the address, {OTHER} in the table"),
    ("an unknown key", fleet_table() | {"colour": "red"}, "colour: Extra inputs are not permitted"),
    ("a missing key", {k: v for k, v in fleet_table().items() if k != "over"}, "over: Field required"),
    ("a missing key of a line", fleet_table({k: v for k, v in fleet_line().items() if k != "note"}), "devices.0.note: Field required"),
    ("an unknown state", fleet_table(fleet_line(state="asleep")), "devices.0.state: Input should be"),
    ("a number as text", fleet_table(fleet_line(runs="6")), "devices.0.runs: Input should be a valid integer"),
    ("less than nothing", fleet_table(fleet_line(remaining_s=-1)), "devices.0.remaining_s: Input should be greater"),
    ("a moment without a zone", fleet_table(started_at="2026-11-22T02:00:00"), "started_at: Input should have timezone"),
    ("too many devices", fleet_table(*[fleet_line()] * (DEVICES_MOST + 1)), "devices: Tuple should have at most 1000"),
    ("a key twice", json.dumps(fleet_table()).replace('"over"', '"over": true, "over"').encode(), "over: given twice"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "got"), [case[1:] for case in BAD_TABLES], ids=[case[0] for case in BAD_TABLES])
def test_a_table_that_is_off_is_named_and_changes_nothing(client: FlaskClient, table: object, got: str) -> None:
    put(client, fleet_table())
    before = read(client, f"/api/fleets/{FLEET}")["devices"]
    reply = put(client, table)
    assert reply.status == 400
    assert got in reply.error()["got"]
    assert read(client, f"/api/fleets/{FLEET}")["devices"] == before


@pytest.mark.parametrize(
    ("changes", "got"),
    [
        ({"state": "asleep"}, "state: Input should be"),
        ({"device_id": "kims-phone"}, "device_id: String should match"),
        ({"device_name": ""}, "device_name: String should have at least 1 character"),
        ({"last_ms": float("inf")}, "last_ms: Input should be a finite number"),
        ({"model": "a\0b"}, "model: a text with a NUL character"),
    ],
)
def test_progress_that_is_off_is_named(client: FlaskClient, changes: dict[str, object], got: str) -> None:
    reply = tell(client, page_progress(**changes))
    assert reply.status == 400
    assert reply.error()["what"] == "the posted progress is not valid"
    assert got in reply.error()["got"]
    assert read(client, "/api/progress") == {"devices": []}


@pytest.mark.parametrize(
    ("method", "path", "most"), [("POST", "/api/progress", 16_000), ("PUT", f"/api/fleets/{FLEET}", 2_000_000)]
)
def test_what_is_too_large_or_no_json_is_refused(client: FlaskClient, method: str, path: str, most: int) -> None:
    large = ask(client, path, method, data=b" " * (most + 1), content_type="application/json")
    assert (large.status, large.error()["got"]) == (413, f"{most + 1} bytes")
    assert "run" not in large.error()["what"]
    text = ask(client, path, method, data=b"{}", content_type="text/plain")
    assert (text.status, text.error()["got"]) == (415, "Content-Type text/plain")


def test_another_sites_page_may_not_tell_anything(client: FlaskClient) -> None:
    assert put(client, fleet_table(), Origin="http://elsewhere.example").status == 403
    assert read(client, "/api/fleets") == {"fleets": []}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/api/fleets/{OTHER}", 404),
        ("/api/fleets/nothing", 404),
        ("/api/progress?fleet=1", 400),
        ("/api/progress?fleet_id=1", 400),
    ],
)
def test_what_is_not_there_is_said(client: FlaskClient, path: str, status: int) -> None:
    reply = ask(client, path)
    assert reply.status == status
    assert reply.error()["what"]


def test_the_address_takes_no_other_method(client: FlaskClient) -> None:
    reply = ask(client, f"/api/fleets/{FLEET}", "DELETE")
    assert (reply.status, "PUT" in reply.headers["Allow"]) == (405, True)


def test_the_largest_fleet_fits(client: FlaskClient) -> None:
    line = fleet_line(state="running", model="m" * 64, backend="wasm-4096", sample=30, samples=30, note="n" * 1000)
    assert put(client, fleet_table(*[line] * DEVICES_MOST)).status == 201
    assert len(read(client, f"/api/fleets/{FLEET}")["devices"]) == DEVICES_MOST


def test_the_time_of_the_server_is_told(client: FlaskClient) -> None:
    before = datetime.now(UTC)
    told = datetime.fromisoformat(read(client, "/api/config")["server_time"])
    assert (told - before).total_seconds() + 0.001 >= -0.001
    assert told <= datetime.now(UTC)


def ids(count: int) -> list[str]:
    return [f"{number:08x}-0000-4000-8000-000000000000" for number in range(count)]


def progress_of(device_id: str) -> PageProgress:
    return PageProgress.model_validate(page_progress(device_id=device_id))


def table_of(fleet_id: str) -> FleetTable:
    return FleetTable.model_validate_json(json.dumps(fleet_table(fleet_id=fleet_id)))


def test_whoever_was_silent_longest_is_forgotten_for_one_too_many() -> None:
    fleets = Fleets()
    some = ids(FLEETS_MOST + 1)
    for fleet_id in some[:-1]:
        assert fleets.put(table_of(fleet_id))
    assert not fleets.put(table_of(some[0]))
    fleets.put(table_of(some[-1]))
    assert {one["fleet_id"] for one in fleets.known()} == {some[0], *some[2:]}
    devices = ids(PAGES_MOST + 1)
    for device_id in [*devices[:-1], devices[0], devices[-1]]:
        fleets.note(progress_of(device_id))
    assert {one["device_id"] for one in fleets.pages()} == {devices[0], *devices[2:]}


def test_how_old_the_news_is_is_told() -> None:
    now = 100.0
    fleets = Fleets(clock=lambda: now)
    fleets.put(table_of(FLEET))
    fleets.note(progress_of(ids(1)[0]))
    now = 102.5
    table = fleets.table(FLEET)
    assert table is not None
    assert (table["age_s"], fleets.known()[0]["age_s"], fleets.pages(FLEET)[0]["age_s"]) == (2.5, 2.5, 2.5)


def test_many_threads_may_tell_and_ask_at_once() -> None:
    fleets = Fleets()
    devices = ids(400)
    failures: list[BaseException] = []

    def tell_some(mine: list[str]) -> None:
        try:
            for device_id in mine:
                fleets.note(progress_of(device_id))
                fleets.put(table_of(device_id))
                assert fleets.pages(FLEET)
                assert len(fleets.known()) <= FLEETS_MOST
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=tell_some, args=(devices[place::8],)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert len(fleets.pages(FLEET)) == 400


def test_a_server_that_is_started_again_knows_no_fleet_and_all_runs(program: Program, tiny_zoo: Path) -> None:
    """Told over HTTP, as the fleet's command does it."""
    body = json.dumps(fleet_table()).encode()
    first = program(tiny_zoo)
    headers = {"Content-Type": "application/json"}
    assert ask_server(first.url, f"/api/fleets/{FLEET}", "PUT", headers, body).status == 201
    assert ask_server(first.url, f"/api/fleets/{FLEET}").status == 200
    assert ask_server(first.url, "/fleet").headers["Content-Type"].startswith("text/html")
    again = program(tiny_zoo)
    assert ask_server(again.url, f"/api/fleets/{FLEET}").status == 404
