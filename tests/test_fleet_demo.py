"""make demo's program, where it does not come to its good end. That end is in test_readme.py."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from scripts.serving import ROOT
from tests.support.processes import plain_environment

DEMO = [sys.executable, "-m", "scripts.demo"]


def demo(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        DEMO, cwd=ROOT, env=plain_environment(**environment), capture_output=True, text=True, timeout=800, check=False
    )


def test_an_unknown_browser_is_named() -> None:
    done = demo(DEMO_BROWSERS="chromium,netscape")
    assert done.returncode == 1
    assert done.stderr.splitlines()[:2] == ["DEMO_BROWSERS names no browser", "  got:      netscape"]
    assert done.stdout == ""


def test_a_results_folder_that_cannot_be_made_is_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = demo(DEMO_RESULTS=str(tmp_path / "file" / "results"))
    assert done.returncode == 1
    assert done.stderr.startswith(f"the results folder {tmp_path}/file/results cannot be made")
    assert "DEMO_RESULTS" in done.stderr
    assert done.stdout == ""


def test_an_unknown_model_ends_it_before_a_server_starts(tmp_path: Path) -> None:
    done = demo(DEMO_MODELS="lenet", DEMO_RESULTS=str(tmp_path))
    assert done.returncode == 1
    assert "lenet" in done.stderr
    assert "python -m builder build failed" in done.stderr
    assert "Timing them" not in done.stdout


@pytest.mark.usefixtures("real_zoo", "ctrl_c_works")
@pytest.mark.parametrize(("how", "whom"), [(signal.SIGINT, "group"), (signal.SIGTERM, "demo")])
def test_stopping_it_stops_the_server(tmp_path: Path, how: signal.Signals, whom: str) -> None:
    environment = plain_environment(DEMO_MODELS="mobilenet_v1", DEMO_ITERATIONS="10000", DEMO_RESULTS=str(tmp_path))
    with subprocess.Popen(
        DEMO, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, process_group=0
    ) as process:
        assert process.stdout is not None
        printed = ""
        while " chromium: " not in printed:
            printed += process.stdout.readline() or pytest.fail(f"it ended early:\n{printed}")
        if whom == "group":
            os.killpg(process.pid, how)
        else:
            process.send_signal(how)
        printed += process.stdout.read()
        assert process.wait(30) == 130
    assert "stopped; runs that were over are stored" in printed.splitlines()
    assert "Traceback" not in printed
    address = re.search(r"through (http://\S+)", printed)
    assert address
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address[1], timeout=5)


@pytest.mark.usefixtures("real_zoo")
def test_earlier_results_are_kept(tmp_path: Path) -> None:
    narrow = {
        "DEMO_MODELS": "mobilenet_v1",
        "DEMO_ITERATIONS": "2",
        "DEMO_MIN_TIME": "0",
        "DEMO_RESULTS": str(tmp_path),
    }
    for browsers in ("chromium", "firefox"):
        done = demo(DEMO_BROWSERS=browsers, **narrow)
        assert done.returncode == 0, done.stdout + done.stderr
    with (tmp_path / "timings.csv").open(newline="") as file:
        rows = [(row["browser"], row["n"], row["emulated"]) for row in csv.DictReader(file)]
    assert [(n, emulated) for _, n, emulated in rows] == [("2", ""), ("2", "Pixel 7"), ("2", "iPhone 15"), ("2", "")]
    assert (rows[0][0], rows[-1][0]) == ("Chromium", "Firefox")
