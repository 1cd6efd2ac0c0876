"""python server.py, as a person runs it: starting, stopping, and what is said when it cannot start."""

from __future__ import annotations

import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from scripts.serving import running_server
from tests.conftest import Program
from tests.support.runs import fits, make_run

ROOT = Path(__file__).resolve().parent.parent


def server(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "server.py"), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.usefixtures("ctrl_c_works")
def test_it_says_where_it_serves_and_nothing_else(tiny_zoo: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "server.py"), "--port", "0", "--models", str(tiny_zoo)]
    command += ["--database", str(tmp_path / "runs.sqlite")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Serving on http://127.0.0.1:")
        assert requests.get(line.removeprefix("Serving on ").strip(), timeout=20).status_code == 200
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=20)
    assert (process.returncode, rest, errors) == (0, "", "")


@pytest.mark.usefixtures("ctrl_c_works")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_and_leaves_one_whole_database_file(
    program: Program, tiny_zoo: Path, tmp_path: Path, number: signal.Signals
) -> None:
    database = tmp_path / "runs.sqlite"
    running = program(tiny_zoo, database=database)
    headers = {"Content-Type": "application/json"}
    body = make_run(**fits(tiny_zoo)).model_dump_json()
    assert requests.post(f"{running.url}/api/runs", body, headers=headers, timeout=20).status_code == 201
    running.process.send_signal(number)
    assert running.process.wait(20) == 0
    assert [path.name for path in tmp_path.glob("runs.sqlite*")] == ["runs.sqlite"]
    connection = sqlite3.connect(database)
    assert connection.execute("SELECT count(*) FROM samples").fetchone() == (5,)
    connection.close()


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.parametrize(
    "host",
    ["localhost", "0.0.0.0", pytest.param("::1", marks=pytest.mark.skipif(not has_ipv6(), reason="needs IPv6"))],
)
def test_it_serves_where_it_is_told(tiny_zoo: Path, tmp_path: Path, host: str) -> None:
    with running_server(tiny_zoo, tmp_path / "runs.sqlite", host=host) as running:
        assert requests.get(running.url, timeout=20).status_code == 200


def test_a_port_in_use_is_named(program: Program, tiny_zoo: Path, tmp_path: Path) -> None:
    port = program(tiny_zoo).url.rpartition(":")[2]
    result = server("--port", port, "--models", tiny_zoo, "--database", tmp_path / "other.sqlite")
    assert (result.returncode, result.stdout) == (2, "")
    assert f"cannot listen on 127.0.0.1 port {port}" in result.stderr
    assert "Address already in use" in result.stderr
    assert "--port" in result.stderr


def test_mistakes_are_named_and_nothing_is_served(tiny_zoo: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(tiny_zoo, tmp_path / "broken"))
    (broken / "manifest.json").write_text('{"schema_version": 1}')
    notes = tmp_path / "notes.txt"
    notes.write_text("no database\n" * 100)
    database = tmp_path / "runs.sqlite"
    for arguments, said in (
        (["--models", tmp_path / "none", "--database", database], "manifest.json cannot be read"),
        (["--models", tmp_path / "none", "--database", database], "python -m builder all"),
        (["--models", broken, "--database", database], "manifest.json"),
        (["--models", tiny_zoo, "--database", notes], "file is not a database"),
        (["--models", tiny_zoo, "--database", notes / "runs.sqlite"], "notes.txt cannot be made"),
        (["--models", tiny_zoo, "--database", database, "--host", "no.such.host.invalid"], "cannot listen on"),
        (["--models", tiny_zoo, "--database", database, "--host", "192.0.2.1", "--port", "0"], "cannot listen on"),
        (["--port", "65536"], "'65536' is no port"),
        (["--port", "-1"], "is no port"),
        (["--port", "eighty"], "'eighty' is no port"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
    ):
        result = server(*arguments)
        assert (result.returncode, result.stdout) == (2, ""), arguments
        assert said in result.stderr
        assert "Traceback" not in result.stderr


def test_a_reply_under_way_is_finished_before_it_stops(program: Program, tiny_zoo: Path) -> None:
    """Another program holds the database, so that the reply is still under way when the signal comes."""
    running = program(tiny_zoo)
    holder = sqlite3.connect(running.database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    body = make_run(**fits(tiny_zoo)).model_dump_json().encode()
    port = int(running.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        head = f"POST /api/runs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        assert requests.get(f"{running.url}/api/config", timeout=20).status_code == 200
        running.process.terminate()
        holder.execute("ROLLBACK")
        holder.close()
        assert connection.recv(1000).startswith(b"HTTP/1.1 201 ")
    assert running.process.wait(20) == 0


def test_help_tells_the_options(tmp_path: Path) -> None:
    result = server("--help")
    assert result.returncode == 0
    assert all(option in result.stdout for option in ("--host", "--port", "--models", "--database"))
    assert "fake" not in result.stdout
