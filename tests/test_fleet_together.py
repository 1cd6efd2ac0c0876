"""One file, five devices, three engines: one CSV and one report, each row with its proof."""

from __future__ import annotations

import contextlib
import csv
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from scripts.serving import ROOT
from tests.conftest import Serve
from tests.support.agents import running_agent

_LONGEST_S = 600


@contextlib.contextmanager
def fleet_of_five(server: str, mini_browser: str, folder: Path) -> Iterator[Path]:
    with running_agent("--browser", "chromium") as agent:
        endpoint = agent.device()["endpoint"]
        file = folder / "fleet.toml"
        file.write_text(
            f"""
server = "{server}"
models = ["mobilenet_v2"]
iterations = 3
min_time_s = 0
warmup = 2
end_to_end = 1
[[device]]
name = "a Chromium"
kind = "local"
browser = "chromium"
[[device]]
name = "a Firefox"
kind = "local"
browser = "firefox"
[[device]]
name = "an emulated Pixel"
kind = "local"
browser = "chromium"
emulate = "Pixel 7"
[[device]]
name = "a lent Chromium"
kind = "playwright"
endpoint = "{endpoint}"
[[device]]
name = "a MiniBrowser"
kind = "command"
argv = ["xvfb-run", "-a", "{mini_browser}", "{{url}}"]
"""
        )
        yield file


def test_five_devices_give_one_csv_and_one_report(
    serve: Serve, real_zoo: Path, mini_browser: str, tmp_path: Path
) -> None:
    server = serve(real_zoo).url
    with fleet_of_five(server, mini_browser, tmp_path) as file:
        command = [sys.executable, "-m", "fleet", "run", str(file), "--out", str(tmp_path / "out")]
        done = subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_LONGEST_S, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = (tmp_path / "out").iterdir()
    with (folder / "timings.csv").open(newline="") as table:
        rows = {row["device_name"]: row for row in csv.DictReader(table)}
    assert {name: (row["engine"], row["emulated"]) for name, row in rows.items()} == {
        "a Chromium": ("Blink", ""),
        "a Firefox": ("Gecko", ""),
        "an emulated Pixel": ("Blink", "Pixel 7"),
        "a lent Chromium": ("Blink", ""),
        "a MiniBrowser": ("WebKit", ""),
    }
    for row in rows.values():
        assert (row["model"], row["backend_ran"], row["n"], row["verified"]) == ("mobilenet_v2", "wasm", "3", "passed")
        assert float(row["median_ms"]) > 0
    report = (folder / "report.html").read_text()
    assert [name for name in rows if name not in report] == []
