"""python -m fleet, from the command line to the server's database, in each browser."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from fleet.browsers import KINDS, Kind
from scripts.serving import ROOT
from tests.conftest import Serve
from tests.support.server_here import Served


@pytest.fixture
def server(serve: Serve, tiny_zoo: Path) -> Served:
    return serve(tiny_zoo)


def command(server: str, *options: str) -> list[str]:
    """Without the second that every run takes at least: the tiny models would be timed thousands of times."""
    known = ("--server", server, "--device", "tester", "--min-time", "0", "--no-files")
    return [sys.executable, "-m", "fleet", "run", *known, *options]


def fleet(server: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(server, *options), cwd=ROOT, capture_output=True, text=True, timeout=420, check=False)


def rows(server: Served) -> list[dict[str, str]]:
    with urllib.request.urlopen(f"{server.url}/api/timings.csv") as reply:
        return list(csv.DictReader(io.StringIO(reply.read().decode())))


@pytest.mark.parametrize("kind", KINDS)
def test_every_model_is_timed_and_stored(server: Served, kind: Kind) -> None:
    done = fleet(
        server.url,
        "--browser",
        kind,
        "--iterations",
        "4",
        "--time-budget",
        "60",
        "--seed",
        "7",
        "--order",
        "interleaved",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "tester: 3 timed, 0 failed, 0 not sent"
    for model in ("echo", "echo_ssd", "echo_boxes"):
        assert re.search(rf"tester: {model} on wasm x\d+: median [\d.]+ ms", done.stdout)
    stored = rows(server)
    assert sorted((row["model"], row["backend"], row["device_name"], row["n"]) for row in stored) == [
        ("echo", "wasm", "tester", "4"),
        ("echo_boxes", "wasm", "tester", "4"),
        ("echo_ssd", "wasm", "tester", "4"),
    ]
    assert {(row["order_seed"], row["order_mode"], row["order_runs"]) for row in stored} == {("7", "interleaved", "3")}
    assert {row["backend_ran"] for row in stored} == {"wasm"}


def test_what_the_fleet_is_told_reaches_the_measurement(server: Served) -> None:
    options = ("--models", "echo", "--iterations", "3", "--repeat", "2", "--order", "sequential", "--end-to-end", "2")
    done = fleet(server.url, *options, "--precision", "90", "--time-budget", "60", "--warmup", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    stored = rows(server)
    assert sorted(row["order_position"] for row in stored) == ["1", "2"]
    asked = {(row["order_mode"], row["precision"], row["min_time_s"], row["time_budget_s"]) for row in stored}
    assert asked == {("sequential", "0.9", "0.0", "60.0")}
    assert {(row["end_to_end_n"], row["warmup_iterations"], row["warmup_ended_by"]) for row in stored} == {
        ("2", "1", "count")
    }


def test_webgpu_in_software_gives_verified_outputs(server: Served) -> None:
    done = fleet(server.url, "--backends", "webgpu", "--models", "echo", "--iterations", "2", "--swiftshader")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [(row["model"], row["backend"]) for row in rows(server)] == [("echo", "webgpu")]


def test_where_nodes_ran_is_stored_for_every_model(server: Served) -> None:
    options = ("--models", "all", "--backends", "webgpu", "--swiftshader", "--iterations", "1", "--warmup", "0")
    done = fleet(server.url, *options, "--placement")
    assert done.returncode == 0, done.stdout + done.stderr
    stored = {row["model"]: row for row in rows(server)}
    assert {model: row["nodes_fallen_back"] == "0" for model, row in stored.items()} == {
        "echo": True,
        "echo_ssd": True,
        "echo_boxes": False,
    }
    assert {row["warmup_iterations"] for row in stored.values()} == {"0"}
    assert all("placement" in row["warnings"].split() for row in stored.values())


def test_an_unknown_model_is_named_with_the_choices(server: Served) -> None:
    done = fleet(server.url, "--models", "lenet")
    assert done.returncode == 1
    assert done.stderr.startswith("the server has no such model")
    assert all(word in done.stderr for word in ("got:", "expected:", "next:", "lenet", "echo_ssd"))


def test_a_failed_run_is_told_and_stored(serve: Serve, tiny_zoo: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "models"
    shutil.copytree(tiny_zoo, damaged)
    (damaged / "echo" / "fp32.onnx").write_bytes(b"not what the manifest says")
    server = serve(damaged)
    done = fleet(server.url, "--models", "echo,echo_ssd", "--iterations", "2")
    assert done.returncode == 1
    assert re.search(r"tester: echo on wasm x\d+: no timing\. .*echo/fp32\.onnx", done.stdout)
    assert done.stdout.splitlines()[-1] == "tester: 1 timed, 1 failed, 0 not sent"
    assert done.stderr.startswith("not every run came to a timing")
    assert sorted((row["model"], row["n"]) for row in rows(server)) == [("echo", "0"), ("echo_ssd", "2")]


@pytest.mark.usefixtures("ctrl_c_works")
@pytest.mark.parametrize("whom", ["the fleet", "everything in the terminal"])
def test_ctrl_c_ends_it_soon_and_without_a_traceback(serve: Serve, real_zoo: Path, whom: str) -> None:
    server = serve(real_zoo)
    options = ("--models", "mobilenet_v1", "--iterations", "10000")
    with subprocess.Popen(
        command(server.url, *options),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("tester: ")
            if whom == "the fleet":
                process.send_signal(signal.SIGINT)
            else:
                os.killpg(process.pid, signal.SIGINT)
            _, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130
    assert errors.splitlines() == ["stopped; runs that were over are stored"]
