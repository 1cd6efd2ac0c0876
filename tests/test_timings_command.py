"""python -m timings, as a person runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.runs import DEVICE, make_failed_run, make_run
from timings.display import significant
from timings.store import Store

ROOT = Path(__file__).resolve().parent.parent


def timings(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "timings", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, encoding="utf-8")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "runs.sqlite"
    with Store(str(file)) as store:
        store.add(make_run(samples_ms=(10.0, 20.0)))
        warning = {"code": "hidden_page", "message": "the page was hidden [bold]once[/bold]"}
        cut = {"iterations_requested": 30, "stopped_by": "time_budget", "warnings": [warning]}
        store.add(make_run(model="echo_ssd", samples_ms=(9812.4,) * 11, **cut))
        name = DEVICE.model_copy(update={"device_name": "phone\x1b[2J"})
        store.add(make_failed_run(backend="webgpu", device=name))
    return file


def test_the_table_has_the_numbers_and_what_to_know_of_them(database: Path) -> None:
    result = timings("table", "--database", database)
    assert (result.returncode, result.stderr) == (0, "")
    lines = [[cell.strip() for cell in line.split("│")] for line in result.stdout.splitlines() if "│" in line]
    one, cut, failed = lines
    assert one[1:-1] == [
        "Kim's laptop",
        "Chromium",
        "echo",
        "wasm",
        "8",
        "2",
        "15.00",
        "7.071",
        "15.00",
        "19.50",
        "passed",
        "",
    ]
    assert cut[3:8] == ["echo_ssd", "wasm", "8", "11", "9812"]
    assert cut[-2] == "cut short: 11 of 30; the page was hidden [bold]once[/bold]"
    assert failed[1:-1] == ["phone\N{REPLACEMENT CHARACTER}[2J", "Chromium", "echo", "webgpu", "8", "0", "", "", "", "", "", "failed at session: out of memory"]  # fmt: skip


def test_the_table_can_be_of_one_device_or_model(database: Path) -> None:
    assert "echo_ssd" not in timings("table", "--database", database, "--model", "echo").stdout
    only = timings("table", "--database", database, "--device", "Kim's laptop").stdout
    assert "echo_ssd" in only
    assert "webgpu" not in only


def test_csv_and_plot_print_what_they_wrote(database: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for command, names in (
        ("csv", ["timings.csv", "samples.csv", "devices.csv"]),
        ("plot", ["timings.png", "timings.svg"]),
    ):
        result = timings(command, "--database", database, "-o", out)
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.splitlines() == [str(out / name) for name in names]
        assert all((out / name).stat().st_size > 100 for name in names)


def test_two_runs_are_compared(tmp_path: Path) -> None:
    file = tmp_path / "runs.sqlite"
    first, second = make_run(samples_ms=(10.0,) * 20), make_run(samples_ms=(10.5,) * 20)
    with Store(str(file)) as store:
        store.add(first)
        store.add(second)
    result = timings("compare", first.run_id, second.run_id, "--database", file)
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("first:  echo fp32, wasm, 8 threads: median 10.00 ms ")
    assert lines[2] == "second / first: 1.0500 (95 % interval 1.0500 to 1.0500), 10 rounds that took turns"
    assert lines[3].startswith("They differ: ")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([], 2, "the following arguments are required: command"),
        (["nonsense"], 2, "invalid choice: 'nonsense'"),
        (["table", "--database", "{tmp}/none.sqlite"], 2, "there is no database"),
        (["table", "--database", "{tmp}"], 2, "there is no database"),
        (["csv", "--database", "{database}", "-o", "{database}"], 1, "cannot be written"),
        (["plot", "--database", "{database}", "--model", "none", "-o", "{tmp}/out"], 1, "there is nothing to plot"),
        (["compare", "a", "b", "--database", "{database}"], 1, "there is no run a"),
        (["compare", "a"], 2, "the following arguments are required: RUN_ID"),
    ],
)
def test_mistakes_are_named(arguments: list[str], status: int, said: str, database: Path, tmp_path: Path) -> None:
    result = timings(*(argument.format(tmp=tmp_path, database=database) for argument in arguments))
    assert result.returncode == status
    assert said in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (0.0004, "0.000"),
        (0.451, "0.451"),
        (1.0, "1.000"),
        (22.314, "22.31"),
        (207.34, "207.3"),
        (98123.4, "98123"),
    ],
)
def test_durations_have_four_significant_digits(value: float, shown: str) -> None:
    assert significant(value) == shown
