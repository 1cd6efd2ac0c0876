"""Devices with addresses of their own, one of which loses its network: Chromium and Firefox each in a network namespace, the server in a third."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fleet.browsers import Kind
from tests.support.agents import Agent, running_agent
from tests.support.namespaces import WITHOUT_PROXY, Namespace, Network, NoNamespacesError, network
from tests.support.processes import PATIENCE_S, Program, running_program
from timings.records import Run
from timings.store import Store

STOP_S = 5
MODELS = ("echo", "echo_boxes", "echo_ssd")
# About three seconds for each run, so that one can be cut off in its middle.
FAKE = {"durations_ms": [5], "pace_ms": 80}
WHAT = ("--models", "all", "--iterations", "40", "--min-time", "0", "--warmup", "1", "--end-to-end", "0")
SCRIPTED = ("--page-parameter", "runtime=fake", "--page-parameter", f"fake={json.dumps(FAKE)}")
GET = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=20).read().decode())"
# How many pages of the server at argv[2] the lent Chromium shows, whoever opened them; until there is none.
NO_PAGES = """
import sys, time
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    session = playwright.chromium.connect(sys.argv[1]).new_browser_cdp_session()
    deadline = time.monotonic() + float(sys.argv[3])
    while (left := [t["url"] for t in session.send("Target.getTargets")["targetInfos"] if t["url"].startswith(sys.argv[2])]):
        if time.monotonic() > deadline:
            sys.exit(f"still there: {left}")
        time.sleep(0.5)
"""


@dataclass(frozen=True)
class Lab:
    """Where everything runs: the server, and an agent for each kind of browser in a namespace of its own."""

    network: Network
    server: str
    database: Path
    agents: dict[Kind, tuple[Namespace, Agent, str]]

    def runs(self) -> list[Run]:
        """All that arrived at the server."""
        with Store(str(self.database), create=False) as store:
            return list(store.runs())

    def cut(self, kind: Kind) -> contextlib.AbstractContextManager[None]:
        return self.network.cut(self.agents[kind][0])

    @contextlib.contextmanager
    def fleet(self, *arguments: str) -> Iterator[Program]:
        """python -m fleet run, where it reaches all three."""
        command = [*self.network.hub.inside, sys.executable, "-m", "fleet", "run", *arguments]
        with running_program(command, **WITHOUT_PROXY) as program:
            yield program

    def until_measuring(self, kind: Kind) -> None:
        """Wait until this device's first run has arrived, and another one is under way."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for fleet in self._get("/api/fleets")["fleets"]:
                for line in self._get(f"/api/fleets/{fleet['fleet_id']}")["devices"]:
                    if line["device"] == kind and line["runs_over"] and line["sample"] and not fleet["over"]:
                        return
            time.sleep(0.2)
        raise AssertionError(f"{kind} does not measure")

    def _get(self, path: str) -> Any:
        command = [*self.network.hub.inside, sys.executable, "-c", GET, self.server + path]
        return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S).stdout)


@pytest.fixture(scope="module")
def cables() -> Iterator[Network]:
    with contextlib.ExitStack() as stack:
        try:
            found = stack.enter_context(network(3))
        except NoNamespacesError as error:
            pytest.skip(str(error))
        yield found


@pytest.fixture
def lab(cables: Network, tiny_zoo: Path, tmp_path: Path) -> Iterator[Lab]:
    place, *others = cables.devices
    database = tmp_path / "runs.sqlite"
    serving = [*place.inside, sys.executable, "server.py", "--host", place.address, "--port", "0", "--accept-fake"]
    kinds: tuple[Kind, ...] = ("chromium", "firefox")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(
            running_program([*serving, "--models", str(tiny_zoo), "--database", str(database)])
        )
        agents = [
            (
                device,
                stack.enter_context(
                    running_agent("--browser", kind, "--host", device.address, inside=device.inside, **WITHOUT_PROXY)
                ),
            )
            for kind, device in zip(kinds, others, strict=True)
        ]
        url = server.until("Serving on ").split()[-1]
        lent = {
            kind: (device, agent, str(agent.device()["endpoint"]))
            for kind, (device, agent) in zip(kinds, agents, strict=True)
        }
        yield Lab(cables, url, database, lent)


@pytest.fixture
def file(lab: Lab, tmp_path: Path) -> Path:
    """Their hosts are not named: two addresses are two machines."""
    path = tmp_path / "fleet.toml"
    tables = [
        f'[[device]]\nname = "{kind}"\nkind = "playwright"\nbrowser = "{kind}"\nendpoint = "{endpoint}"\n'
        for kind, (_, _, endpoint) in lab.agents.items()
    ]
    path.write_text(f'server = "{lab.server}"\n' + "".join(tables))
    return path


def by_device(runs: list[Run]) -> Counter[tuple[str, str]]:
    return Counter((run.device.device_name, run.model) for run in runs)


def the_only_folder(path: Path) -> Path:
    (folder,) = path.iterdir()
    return folder


def test_a_device_that_is_cut_off_loses_nothing_and_is_gone_on_with_later(lab: Lab, file: Path, tmp_path: Path) -> None:
    with lab.fleet(str(file), *WHAT, *SCRIPTED, "--out", str(tmp_path / "out")) as fleet:
        lab.until_measuring("chromium")
        with lab.cut("chromium"):
            namespace, agent, endpoint = lab.agents["chromium"]
            # The browser stays with its agent. The page must go: it would measure beside the page that takes up the same runs.
            looking = [*namespace.inside, sys.executable, "-c", NO_PAGES, endpoint, lab.server, "60"]
            subprocess.run(looking, check=True, timeout=PATIENCE_S)
            status, printed = fleet.end(patience_s=180)
    folder = the_only_folder(tmp_path / "out")
    assert status == 1, printed
    lost = [
        line.split()[1] for line in printed.splitlines() if line.startswith("chromium: ") and " never came: " in line
    ]
    assert f"chromium: {endpoint.rpartition('/')[0]} cannot be reached" in printed
    assert f"--resume {folder} goes on" in printed
    assert "firefox: 3 timed, 0 failed, 0 not sent" in printed.splitlines()
    before = lab.runs()
    assert by_device(before) == Counter(
        [*(("firefox", model) for model in MODELS), *(("chromium", model) for model in MODELS if model not in lost)]
    )
    assert 1 <= len(lost) <= 2
    with lab.fleet("--resume", str(folder)) as fleet:
        status, printed = fleet.end()
    assert status == 0, printed
    assert f"chromium: {len(lost)} timed, 0 failed, 0 not sent" in printed.splitlines()
    after = lab.runs()
    assert by_device(after) == Counter((kind, model) for kind in lab.agents for model in MODELS)
    assert {run.run_id for run in before} < {run.run_id for run in after}
    assert {run.fleet_id for run in before} == {run.fleet_id for run in after}
    assert agent.stop() < STOP_S
    assert agent.its_processes() == {}


def test_a_network_that_comes_back_is_used_again(lab: Lab, file: Path) -> None:
    with lab.fleet(str(file), *WHAT, *SCRIPTED, "--no-files", "--only", "firefox") as fleet:
        lab.until_measuring("firefox")
        with lab.cut("firefox"):
            fleet.until("firefox: the page did not come to an end")
        status, printed = fleet.end()
    assert status == 1, printed
    lost = [line for line in printed.splitlines() if " never came: " in line]
    assert len(lost) == 1
    assert by_device(lab.runs()) == Counter(("firefox", model) for model in MODELS if model not in lost[0].split())


@pytest.mark.usefixtures("ctrl_c_works")
def test_ctrl_c_ends_a_fleet_whose_device_is_cut_off(lab: Lab, file: Path) -> None:
    with lab.fleet(str(file), *WHAT, *SCRIPTED, "--no-files") as fleet:
        lab.until_measuring("firefox")
        with lab.cut("firefox"):
            assert fleet.stop(signal.SIGINT) < STOP_S
            status, printed = fleet.end()
            assert fleet.its_processes() == {}
            agent = lab.agents["firefox"][1]
            assert agent.stop() < STOP_S
            assert agent.its_processes() == {}
    assert status == 130
    assert "Traceback" not in printed
    assert printed.splitlines()[-1] == "stopped; runs that were over are stored"
