"""Posting runs: what is accepted, from whom, and what is never lost."""

from __future__ import annotations

import csv
import http.client
import io
import json
import signal
import sqlite3
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from flask.testing import FlaskClient

from builder import manifest
from server import Settings, create_app
from tests.conftest import Program
from tests.support.runs import fits, make_failed_run, make_run
from tests.support.serving import ask, client_of, post, stored
from timings.records import Run


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "runs.sqlite"


@pytest.fixture
def client(tiny_zoo: Path, database: Path) -> Iterator[FlaskClient]:
    with client_of(Settings(tiny_zoo, str(database))) as opened:
        yield opened


def test_a_run_is_stored_and_comes_back_byte_for_byte(client: FlaskClient, tiny_zoo: Path) -> None:
    run = make_run(**fits(tiny_zoo))
    body = run.model_dump_json(indent=2)
    first = post(client, body)
    assert (first.status, json.loads(first.body)) == (201, {"run_id": run.run_id, "stored": True})
    assert client.get(f"/api/runs/{run.run_id}").text == body
    again = post(client, body)
    assert (again.status, json.loads(again.body)) == (200, {"run_id": run.run_id, "stored": True})
    assert len(client.get("/api/timings.csv").text.splitlines()) == 2


OLD_RUNS = Path(__file__).parent / "vectors" / "runs_of_page_0.2.0.jsonl"


def test_runs_that_a_page_kept_before_it_knew_fleets_are_taken(client: FlaskClient, tiny_zoo: Path) -> None:
    """Pages of version 0.3.0 posted schema_version 2 too."""
    kept = json.loads(make_run(**fits(tiny_zoo)).model_dump_json())
    del kept["fleet_id"], kept["clock_offset_s"], kept["device"]["emulated"]
    assert post(client, json.dumps(kept)).status == 201
    del kept["min_time_s"]
    assert post(client, json.dumps({**kept, "run_id": "44444444-4444-4444-8444-444444444444"})).status == 400


@pytest.mark.parametrize("line", range(3), ids=["timed", "failed", "with its placement"])
def test_runs_that_an_older_page_kept_are_taken(client: FlaskClient, tiny_zoo: Path, line: int) -> None:
    """As that page posted them, but for the files that they measured, which are those of the models that are served now."""
    old = json.loads(OLD_RUNS.read_text().splitlines()[line])
    assert old["schema_version"] == 1
    known = fits(tiny_zoo, old["model"])
    old |= {name: known[name] for name in ("model_sha256", "model_bytes", "weights")}
    reply = post(client, body := json.dumps(old))
    assert (reply.status, json.loads(reply.body)) == (201, {"run_id": old["run_id"], "stored": True})
    assert post(client, body).status == 200
    assert client.get(f"/api/runs/{old['run_id']}").text == body
    (row,) = csv.DictReader(io.StringIO(client.get("/api/timings.csv").text, newline=""))
    assert (row["n"], row["order_mode"], row["threads_requested"]) == (str(len(old["samples"])), "", "")


def test_runs_of_detectors_and_failed_runs_are_stored(client: FlaskClient, tiny_zoo: Path, database: Path) -> None:
    known = fits(tiny_zoo, "echo_ssd")
    assert post(client, make_run(**known).model_dump_json()).status == 201
    unchecked = {**known, "verification": None, "final_check": None}
    assert post(client, make_failed_run(**unchecked).model_dump_json()).status == 201
    assert stored(database) == 2


def test_another_run_under_a_used_id_is_a_conflict(client: FlaskClient, tiny_zoo: Path, database: Path) -> None:
    run = make_run(**fits(tiny_zoo))
    post(client, run.model_dump_json())
    other = make_run(**fits(tiny_zoo), run_id=run.run_id, samples_ms=(1.0,))
    reply = post(client, other.model_dump_json())
    assert (reply.status, reply.error()["what"]) == (409, "another run is stored under this id")
    assert client.get(f"/api/runs/{run.run_id}").text == run.model_dump_json()
    assert stored(database) == 1


def test_the_type_may_name_its_encoding(client: FlaskClient, tiny_zoo: Path) -> None:
    body = make_run(**fits(tiny_zoo)).model_dump_json()
    assert post(client, body, content_type="application/json; charset=utf-8").status == 201


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"Origin": "http://localhost"}, 201),
        ({"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}, 201),
        ({"Origin": "https://localhost"}, 201),
        ({"Origin": "http://elsewhere.example"}, 403),
        ({"Origin": "http://localhost:81"}, 403),
        ({"Origin": "http://localhost.elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"}, 403),
    ],
)
def test_only_this_servers_page_may_post(
    client: FlaskClient, tiny_zoo: Path, database: Path, headers: dict[str, str], status: int
) -> None:
    reply = post(client, make_run(**fits(tiny_zoo)).model_dump_json(), **headers)
    assert reply.status == status
    assert stored(database) == (status == 201)
    if status == 403:
        assert reply.error()["what"] == "another site's page may not send anything here"


def test_runs_of_the_fake_runtime_are_taken_where_that_is_asked_for(tiny_zoo: Path, database: Path) -> None:
    app = create_app(Settings(tiny_zoo, str(database), accept_fake=True))
    client = app.test_client()
    assert client.get("/api/config").get_json()["runtimes"] == ["onnxruntime-web", "fake"]
    assert post(client, make_run(**fits(tiny_zoo), runtime="fake").model_dump_json()).status == 201
    app.extensions["store"].close()


def test_an_invalid_manifest_loses_no_run(tiny_zoo: Path, tmp_path: Path, database: Path) -> None:
    zoo = tmp_path / "zoo"
    manifest.write(zoo, manifest.read(tiny_zoo))
    app = create_app(Settings(zoo, str(database)))
    (zoo / "manifest.json").write_text("{")
    assert post(app.test_client(), make_run(**fits(tiny_zoo)).model_dump_json()).status == 201
    app.extensions["store"].close()


def test_a_database_that_fails_gives_an_error_that_says_so(client: FlaskClient, tiny_zoo: Path, database: Path) -> None:
    kept = make_run(**fits(tiny_zoo))
    post(client, kept.model_dump_json())
    connection = sqlite3.connect(database)
    connection.execute("ALTER TABLE runs RENAME TO hidden")
    connection.commit()
    for path in ("/api/timings.csv", f"/api/runs/{kept.run_id}"):
        reply = ask(client, path)
        assert reply.status == 503
        assert "cannot be read" in reply.error()["what"]
    reply = post(client, make_run(**fits(tiny_zoo)).model_dump_json())
    assert (reply.status, reply.error()["got"]) == (503, "no such table: runs")
    connection.execute("ALTER TABLE hidden RENAME TO runs")
    connection.commit()
    connection.close()
    assert client.get(f"/api/runs/{kept.run_id}").text == kept.model_dump_json()


def test_an_unexpected_fault_is_logged_and_not_shown(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(body: bytes) -> Run:
        raise RuntimeError("a secret")

    monkeypatch.setattr("server.parse_run", fail)
    reply = client.post("/api/runs", json={})
    assert reply.status_code == 500
    assert reply.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert json.loads(reply.data)["error"]["what"] == "the server failed unexpectedly"
    assert "a secret" not in reply.text
    assert "a secret" in caplog.text


def test_a_body_in_chunks_is_limited_too(program: Program, tiny_zoo: Path) -> None:
    server = program(tiny_zoo)
    good = make_run(**fits(tiny_zoo)).model_dump_json().encode()
    for body, status in ((good, 201), (b" " * 2_500_000, 413), (b"{", 400)):
        parts = (body[i : i + 65_536] for i in range(0, len(body), 65_536))
        reply = requests.post(
            f"{server.url}/api/runs", data=parts, headers={"Content-Type": "application/json"}, timeout=20
        )
        assert reply.status_code == status
        assert ("error" in reply.json()) == (status != 201)


def test_a_body_that_ends_early_stores_nothing(program: Program, tiny_zoo: Path) -> None:
    server = program(tiny_zoo)
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.url).netloc, timeout=20)
    connection.putrequest("POST", "/api/runs")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", "1000")
    connection.endheaders(b'{"schema_version": 1')
    connection.close()
    assert requests.get(server.url, timeout=20).status_code == 200
    assert stored(server.database) == 0


def test_many_clients_at_once_lose_nothing(program: Program, tiny_zoo: Path) -> None:
    server = program(tiny_zoo)
    runs = [make_run(**fits(tiny_zoo)) for _ in range(160)]
    statuses: list[int] = []

    def send(part: list[Run]) -> None:
        with requests.Session() as session:
            for run in part:
                headers = {"Content-Type": "application/json"}
                reply = session.post(f"{server.url}/api/runs", run.model_dump_json(), headers=headers, timeout=60)
                statuses.append(reply.status_code)

    threads = [threading.Thread(target=send, args=(runs[i::8],)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [201] * 160
    lines = csv.DictReader(io.StringIO(requests.get(f"{server.url}/api/timings.csv", timeout=20).text, newline=""))
    assert {line["run_id"] for line in lines} == {run.run_id for run in runs}


def test_a_run_is_on_the_disk_when_the_reply_comes(program: Program, tiny_zoo: Path, database: Path) -> None:
    server = program(tiny_zoo, database=database)
    run = make_run(**fits(tiny_zoo))
    headers = {"Content-Type": "application/json"}
    assert (
        requests.post(f"{server.url}/api/runs", run.model_dump_json(), headers=headers, timeout=20).status_code == 201
    )
    server.process.send_signal(signal.SIGKILL)
    server.process.wait(20)
    again = program(tiny_zoo, database=database)
    assert requests.get(f"{again.url}/api/runs/{run.run_id}", timeout=20).text == run.model_dump_json()


def test_the_downloads_are_files_that_the_csv_module_reads(program: Program, tiny_zoo: Path) -> None:
    server = program(tiny_zoo)
    run = make_run(**fits(tiny_zoo))
    headers = {"Content-Type": "application/json"}
    requests.post(f"{server.url}/api/runs", run.model_dump_json(), headers=headers, timeout=20)
    for name, lines in (("timings.csv", 1), ("samples.csv", 5), ("devices.csv", 1)):
        reply = requests.get(f"{server.url}/api/{name}", timeout=20)
        assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert reply.headers["Content-Disposition"] == f'attachment; filename="{name}"'
        rows = list(csv.DictReader(io.StringIO(reply.content.decode(), newline=""), strict=True))
        assert len(rows) == lines
        assert rows[0]["device_name"] == "Kim's laptop"


def test_exports_that_nobody_reads_hold_no_connection(client: FlaskClient, tiny_zoo: Path) -> None:
    """More than the database's pool has."""
    post(client, make_run(**fits(tiny_zoo)).model_dump_json())
    for _ in range(40):
        assert client.head("/api/timings.csv").status_code == 200
        client.get("/api/samples.csv", buffered=False).close()
    assert len(client.get("/api/timings.csv").text.splitlines()) == 2
