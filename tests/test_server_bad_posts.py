"""Posts that are refused: each with its status, and with words that name what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from server import Settings
from tests.support.runs import fits, make_run
from tests.support.serving import ask, client_of, post, stored

Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "runs.sqlite"


@pytest.fixture
def client(tiny_zoo: Path, database: Path) -> Iterator[FlaskClient]:
    with client_of(Settings(tiny_zoo, str(database))) as opened:
        yield opened


BODIES: list[tuple[str, bytes, int, str]] = [
    ("empty", b"", 400, "EOF while parsing"),
    ("no JSON", b"hello", 400, "Invalid JSON: expected value"),
    ("cut off", b'{"schema_version": 1, "run_', 400, "Invalid JSON: EOF"),
    ("two documents", b"{} {}", 400, "trailing characters"),
    ("a list", b"[]", 400, "Input should be an object"),
    ("null", b"null", 400, "Input should be an object"),
    ("NaN", b"NaN", 400, "Input should be an object"),
    ("deep arrays", b"[" * 500_000, 400, "recursion limit exceeded"),
    ("deep objects", b'{"device":' * 100_000, 400, "recursion limit exceeded"),
    ("invalid UTF-8", b'{"model": "\xff\xfe"}', 400, "Invalid JSON: invalid unicode"),
    ("UTF-16", '{"model": "echo"}'.encode("utf-16"), 400, "Invalid JSON: expected value"),
    ("byte order mark", b"\xef\xbb\xbf{}", 400, "Invalid JSON: expected value"),
    ("half a surrogate pair", b'{"model": "\\ud800"}', 400, "Invalid JSON"),
    ("an integer of 5,000 digits", b'{"threads": ' + b"9" * 5_000 + b"}", 400, "number out of range"),
    ("nothing that is needed", b"{}", 400, "schema_version: Field required"),
    ("2 MB and one byte", b" " * 2_000_001, 413, "2000001 bytes"),
]


@pytest.mark.parametrize(("body", "status", "got"), [b[1:] for b in BODIES], ids=[b[0] for b in BODIES])
def test_what_is_no_run_is_refused(client: FlaskClient, database: Path, body: bytes, status: int, got: str) -> None:
    reply = post(client, body)
    assert reply.status == status
    assert got in reply.error()["got"]
    assert stored(database) == 0


def first(name: str, **changes: object) -> Edit:
    return lambda run: run[name][0].update(changes)


EDITS: list[tuple[str, Edit, int, str, str]] = [
    ("an unknown key", lambda r: r.update(extra=1), 400, "got", "extra: Extra inputs are not permitted"),
    ("a missing key", lambda r: r.pop("device"), 400, "got", "device: Field required"),
    ("another schema", lambda r: r.update(schema_version=3), 400, "got", "schema_version: Input should be 1 or 2"),
    ("a text for a number", lambda r: r.update(threads="8"), 400, "got", "threads: Input should be a valid integer"),
    (
        "a number for a text",
        lambda r: r.update(page_version=1),
        400,
        "got",
        "page_version: Input should be a valid str",
    ),
    ("true for a number", lambda r: r.update(threads=True), 400, "got", "threads: Input should be a valid integer"),
    ("a huge integer", lambda r: r.update(threads=10**30), 400, "got", "threads: Input should be less than"),
    ("a huge duration", first("samples", duration_ms=1e300), 400, "got", "samples.0.duration_ms: Input should be less"),
    ("a negative duration", first("samples", duration_ms=-1), 400, "got", "samples.0.duration_ms: Input should be gre"),
    ("NaN", first("samples", duration_ms=float("nan")), 400, "got", "samples.0.duration_ms: Input should be a finite"),
    ("Infinity", lambda r: r.update(session_ms=float("inf")), 400, "got", "session_ms: Input should be"),
    ("an id that is none", lambda r: r.update(run_id="../../etc"), 400, "got", "run_id: String should match pattern"),
    ("no time zone", lambda r: r.update(started_at="2026-03-01T12:00:00"), 400, "got", "started_at: Input should have"),
    (
        "before the first year",
        lambda r: r.update(started_at="0001-01-01T00:00:00+14:00"),
        400,
        "got",
        "years 1 to 9999",
    ),
    (
        "a number for a moment",
        lambda r: r.update(started_at=0),
        400,
        "got",
        "started_at: Input should be a valid datetime",
    ),
    ("a NUL", lambda r: r["device"].update(device_name="a\0b"), 400, "got", "device_name: a text with a NUL"),
    ("no name", lambda r: r["device"].update(device_name=""), 400, "got", "device.device_name: String should have at"),
    ("a long name", lambda r: r["device"].update(device_name="a" * 201), 400, "got", "device.device_name: String"),
    ("another backend", lambda r: r.update(backend="cuda"), 400, "got", "backend: Input should be 'wasm', 'webgpu', "),
    ("no samples", lambda r: r.update(samples=[]), 400, "got", "must have samples"),
    ("no proof", lambda r: r.update(verification=None), 400, "got", "a timing is never kept without proof"),
    ("fewer samples", lambda r: r["samples"].pop(), 400, "got", "needs at least as many samples as were"),
    ("10,001 samples", lambda r: r.update(samples=r["samples"][:1] * 10_001), 400, "got", "samples: Tuple should have"),
    ("a field forgotten", lambda r: r.pop("order"), 400, "got", "order: Field required from schema_version 2 on"),
    ("a device's field forgotten", lambda r: r["device"].pop("engine"), 400, "got", "device.engine: Field required"),
    ("a round forgotten", lambda r: r["samples"][1].pop("round"), 400, "got", "samples.1.round: Field required"),
    ("no floor", lambda r: r.update(min_time_s=None), 400, "got", "threads_requested and min_time_s must be told"),
    ("a round 0", first("samples", round=0), 400, "got", "samples.0.round: Input should be greater than or equal to 1"),
    ("rounds that go back", first("samples", round=9), 400, "got", "in the order taken: round goes back"),
    ("a clock that goes back", first("samples", start_ms=1e6), 400, "got", "in the order taken: start_ms goes back"),
    ("a place beyond the last", lambda r: r["order"].update(position=4), 400, "got", "order: position must be one of"),
    ("a seed below 0", lambda r: r["order"].update(seed=-1), 400, "got", "order.seed: Input should be greater"),
    ("an unknown order", lambda r: r["order"].update(mode="shuffled"), 400, "got", "order.mode: Input should be"),
    (
        "half a battery too much",
        lambda r: r["conditions"].update(battery_level=1.5),
        400,
        "got",
        "battery_level: Input",
    ),
    ("a wake lock unheard of", lambda r: r["conditions"].update(wake_lock="no"), 400, "got", "wake_lock: Input should"),
    ("WebNN's device elsewhere", lambda r: r.update(device_type="gpu"), 400, "got", "null for every other backend"),
    (
        "samples of no time",
        lambda r: [sample.update(duration_ms=0) for sample in r["samples"]],
        400,
        "got",
        "the clock did not move: of samples without an error, one at least must be over 0 ms",
    ),
    ("a negative part", first("end_to_end", preprocess_ms=-1), 400, "got", "end_to_end.0.preprocess_ms: Input should"),
    (
        "a failure with ends to ends",
        lambda r: r.update(samples=[], stopped_by="error", error={"stage": "placement", "message": "gone"}),
        400,
        "got",
        "a run with an error must have no samples and no end_to_end",
    ),
    (
        "a precision that was not asked for",
        lambda r: r.update(stopped_by="precision"),
        400,
        "got",
        "needs a precision that was asked for",
    ),
    ("an unknown model", lambda r: r.update(model="vgg16"), 422, "expected", "one of echo, echo_ssd"),
    ("an unknown variant", lambda r: r.update(variant="int8"), 422, "expected", "one of fp32"),
    ("the fake runtime", lambda r: r.update(runtime="fake"), 422, "expected", "one of onnxruntime-web"),
    ("another file", lambda r: r.update(model_sha256="0" * 64), 409, "what", "model_sha256 of echo fp32"),
    ("another size", lambda r: r.update(model_bytes=1), 409, "what", "model_bytes of echo fp32"),
    ("other weights", lambda r: r.update(weights="pretrained"), 409, "expected", "seeded, as the manifest has it now"),
    (
        "a wider tolerance",
        lambda r: r["verification"]["outputs"][0].update(atol=1.0),
        422,
        "what",
        "verification: tolerances of echo fp32",
    ),
    (
        "a wider tolerance at the end",
        lambda r: r["final_check"]["outputs"][0].update(rtol=1.0),
        422,
        "got",
        "logits atol 1e-05 rtol 1.0",
    ),
    (
        "an output that is not checked",
        lambda r: r["verification"]["outputs"][0].update(output="other"),
        422,
        "expected",
        "logits atol 1e-05 rtol 0.0001, as the manifest has them",
    ),
    (
        "a proof of nothing",
        lambda r: r["verification"]["task"].update(measure="detections", expected=0, actual=0, matched=0),
        422,
        "expected",
        "top_5, 5 expected, as in the manifest",
    ),
    (
        "a difference without its share of the tolerance",
        lambda r: r["verification"]["outputs"][0].update(max_rel_diff=None),
        400,
        "got",
        "must all be numbers, or all be null",
    ),
    (
        "an unknown reference",
        lambda r: r["verification"].update(reference="mine"),
        422,
        "expected",
        "one of photograph",
    ),
]


@pytest.mark.parametrize(
    ("edit", "status", "part", "text"), [e[1:] for e in EDITS], ids=[e[0].replace(" ", "-") for e in EDITS]
)
def test_a_run_that_does_not_hold_is_refused(
    client: FlaskClient, tiny_zoo: Path, database: Path, edit: Edit, status: int, part: str, text: str
) -> None:
    run = json.loads(make_run(**fits(tiny_zoo)).model_dump_json())
    edit(run)
    reply = post(client, json.dumps(run))
    assert reply.status == status
    assert text in reply.error()[part]
    assert stored(database) == 0


def test_a_key_given_twice_is_refused(client: FlaskClient, tiny_zoo: Path) -> None:
    body = make_run(**fits(tiny_zoo)).model_dump_json()
    for key, twice in (("threads", '"threads":1,"threads"'), ("device_name", '"device_name":"a","device_name"')):
        reply = post(client, body.replace(f'"{key}"', twice))
        assert (reply.status, reply.error()["got"]) == (400, f"{key}: given twice in one object")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"])
def test_only_json_is_read(client: FlaskClient, tiny_zoo: Path, kind: str) -> None:
    reply = post(client, make_run(**fits(tiny_zoo)).model_dump_json(), content_type=kind)
    assert (reply.status, reply.error()["expected"]) == (415, "Content-Type application/json")


def leaves(node: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every value in a JSON document; of a list's, only the first."""
    children = node.items() if isinstance(node, dict) else enumerate(node[:1]) if isinstance(node, list) else ()
    if path:
        yield path
    for key, child in children:
        yield from leaves(child, (*path, key))


HOSTILE: tuple[object, ...] = (
    None, True, -1, 0, 1e308, 10**30, float("nan"), "", "\ud800", "9" * 5_000, "9999-12-31T23:59:59-14:00", [], {}, [[]],
)  # fmt: skip


def test_no_value_in_any_field_makes_the_server_fail(client: FlaskClient, tiny_zoo: Path) -> None:
    whole = make_run(**fits(tiny_zoo)).model_dump_json()
    for path in leaves(json.loads(whole)):
        for value in HOSTILE:
            run = json.loads(whole)
            place = run
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = value
            assert post(client, json.dumps(run)).status in {200, 201, 400, 409, 422}, (path, value)
    for name in ("timings.csv", "samples.csv", "devices.csv"):
        assert ask(client, f"/api/{name}").status == 200
