"""200 devices against one server, and not a run lost: python -m benchmarks.fleet_devices [--devices 200] [--pages 8].

Some devices are pages in a real browser, each in a profile of its own, that time the tiny zoo with the tests' scripted runtime. The others
are plain clients that send what those send: one of the pages' runs, with ids and times of their own, and every 2 s how far they are. Of
their uploads a share is sent twice, and of another share the answer is lost, so that the device cannot know and sends again. A fleet's
command and somebody who looks on ask and tell meanwhile what those do. In the end the server is asked for all runs: each must be there
exactly once, under its own device.

The latency is what the clients saw of POST /api/runs, connecting included. Devices and browser run on the same machine as the server, so it is an
upper bound. Opening a page takes a browser seconds of both cores, which devices of their own would not take from the server: the clients join
once all pages measure.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests
from playwright.sync_api import Page, sync_playwright

from benchmarks.machine import machine, verdict
from benchmarks.process_watch import Use, use_of
from benchmarks.simulated_device import Habits, Seen, SimulatedDevice
from fleet.browsers import need
from scripts.serving import RunningServer, running_server
from tests.support.tiny_zoo import write_tiny_zoo

LIMIT_MS = 500.0
_LOST, _DOUBLED = 0.05, 0.1
_LOOK_EVERY_S = 2.0
_PAGE_PATIENCE_S = 600
# With it a run of 30 samples takes 5 s, as those of the clients do.
_PACE_MS = 150
_SYNCS = 50

# A device's name and the id of one of its runs.
Made = tuple[str, str]


def page_address(url: str, **parameters: object) -> str:
    """Where the page measures the tiny zoo with the scripted runtime: 30 samples in each run, at a realistic pace."""
    script = json.dumps({"pace_ms": _PACE_MS})
    chosen = {"autorun": 1, "models": "echo", "backends": "wasm-1", "warmup": 3, "iterations": 30, "min_time": 0}
    return f"{url}/?{urlencode({**chosen, 'end_to_end': 0, 'runtime': 'fake', 'fake': script, **parameters})}"


def wait_until_done(page: Page) -> list[str]:
    """The ids of the page's runs, all of which the server has. The page is asked now and then: a selector that is waited for has it drawn
    again and again.
    """
    deadline = time.monotonic() + _PAGE_PATIENCE_S
    while not page.locator("html[data-state=done][data-runs-unsent='0']").count():
        if time.monotonic() > deadline:
            raise SystemExit(f"a page was not done within {_PAGE_PATIENCE_S} s: {page.text_content('#progress')}")
        page.wait_for_timeout(1000)
    if page.get_attribute("html", "data-runs-failed") != "0":
        raise SystemExit("a page's run failed: " + (page.text_content("#results") or ""))
    ids: list[str] = page.evaluate(
        "[...document.querySelectorAll('#results tr[data-run-id]')].map(r => r.dataset.runId)"
    )
    return ids


def listed(url: str, fleet_id: str) -> list[dict[str, Any]]:
    """All runs of that fleet which the server has, as JSON."""
    reply = requests.get(f"{url}/api/runs", {"fleet_id": fleet_id}, timeout=60)
    reply.raise_for_status()
    runs: list[dict[str, Any]] = reply.json()["runs"]
    return runs


@contextlib.contextmanager
def looked_on(url: str, fleet_id: str, devices: int) -> Iterator[None]:
    """Meanwhile a fleet's command tells its table every 2 s, and a person's page asks for it and for the devices' progress."""
    over = threading.Event()
    line = {
        **{"host": "here", "kind": "visit", "browser": None, "state": "running", "model": "echo", "backend": "wasm-1"},
        **{"sample": 3, "samples": 30, "last_ms": 12.5, "runs_over": 1, "runs": 5, "runs_failed": 0, "warnings": 0},
        **{"remaining_s": 10.0, "note": None},
    }
    table = {"fleet_id": fleet_id, "started_at": "2026-01-01T00:00:00Z", "server_url": url, "over": False}
    table["devices"] = [{**line, "device": f"device {place}"} for place in range(devices)]

    def look() -> None:
        with requests.Session() as session:
            while not over.wait(_LOOK_EVERY_S):
                session.put(f"{url}/api/fleets/{fleet_id}", json=table, timeout=30).raise_for_status()
                session.get(f"{url}/api/fleets/{fleet_id}", timeout=30).raise_for_status()
                session.get(f"{url}/api/progress?fleet_id={fleet_id}", timeout=30).raise_for_status()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def synced_write_ms(folder: Path) -> float:
    """The median time that this disk takes to keep a page of 4 KiB: what no database that keeps its word is faster than."""
    times = []
    with (folder / "synced").open("wb") as file:
        for _ in range(_SYNCS):
            start = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def measure(server: RunningServer, devices: int, pages: int, habits: Habits) -> tuple[list[Seen], list[Made], str]:
    """What each client saw, the runs that all devices made, and the fleet's id."""
    fleet_id = str(uuid.uuid4())
    with sync_playwright() as playwright:
        browser = need("chromium").launch(playwright)
        try:
            first = browser.new_page()
            first.goto(page_address(server.url, device="the first", fleet=str(uuid.uuid4())))
            template = requests.get(f"{server.url}/api/runs/{wait_until_done(first)[0]}", timeout=30).json()
            first.close()
            names = [f"device {place}" for place in range(devices)]
            clients = [SimulatedDevice(server.url, name, fleet_id, template, habits) for name in names[pages:]]
            threads = [threading.Thread(target=client.live) for client in clients]
            opened = [browser.new_context().new_page() for _ in names[:pages]]
            for name, page in zip(names, opened, strict=False):
                page.goto(page_address(server.url, device=name, fleet=fleet_id, report=1, repeat=habits.runs))
            for page in opened:
                page.wait_for_selector("#progress[data-sample]", state="attached", timeout=1000 * _PAGE_PATIENCE_S)
            with looked_on(server.url, fleet_id, devices):
                for thread in threads:
                    thread.start()
                made = [
                    (name, run_id)
                    for name, page in zip(names, opened, strict=False)
                    for run_id in wait_until_done(page)
                ]
                for thread in threads:
                    thread.join()
        finally:
            browser.close()
    made += [(client.name, run_id) for client in clients for run_id in client.seen.made]
    return [client.seen for client in clients], made, fleet_id


def all_arrived(planned: int, made: Sequence[Made], seen: Sequence[Seen], stored: Sequence[dict[str, Any]]) -> bool:
    """Print how many runs were made and how many arrived; whether all that were planned did, once, and none was refused."""
    there = Counter((run["device"]["device_name"], run["run_id"]) for run in stored)
    refused = [text for one in seen for text in one.refused]
    missing, more = Counter(made) - there, there - Counter(made)
    print(f"runs planned: {planned}; made: {len(made)}; at the server: {there.total()}")
    print(
        f"uploads sent again though answered: {sum(one.doubled for one in seen)}; answers lost on their way: "
        f"{sum(one.lost for one in seen)}; answers with a status of 500 or more: {sum(one.busy_answers for one in seen)}; without an answer "
        f"otherwise: {sum(one.unanswered for one in seen)}; refused: {len(refused)}"
    )
    print("".join(f"refused: {text}\n" for text in refused[:3]), end="")
    exact = len(made) == planned and not missing and not more and not refused
    print(
        "all runs arrived exactly once"
        if exact
        else f"NOT EXACTLY ONCE: {missing.total()} missing, {more.total()} too many"
    )
    return exact


def quantile_ms(seconds: Sequence[float], share: float) -> float:
    """The time that this share of requests stays within, in milliseconds."""
    return 1000 * sorted(seconds)[min(len(seconds) - 1, int(share * len(seconds)))]


def main() -> int:
    """Print what arrived and how long uploads took; 0 if all runs arrived once and the limit is kept, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fleet_devices", description="Many devices post their runs to one server."
    )
    parser.add_argument("--devices", type=int, default=200, help="pages and clients together (default: 200)")
    parser.add_argument("--pages", type=int, default=8, help="how many are pages in Chromium (default: 8)")
    parser.add_argument("--runs", type=int, default=8, help="of each device (default: 8)")
    parser.add_argument(
        "--pause", type=float, nargs=2, default=(2.0, 8.0), help="seconds of a client's run (default: 2 8)"
    )
    arguments = parser.parse_args()
    if arguments.pages >= arguments.devices:
        parser.error("--pages: there must be fewer pages than devices, since only the others are timed")
    print(machine())
    planned = arguments.devices * arguments.runs
    habits = Habits(arguments.runs, (arguments.pause[0], arguments.pause[1]), _LOST, _DOUBLED)
    with tempfile.TemporaryDirectory(prefix="zoo-devices-") as scratch:
        write_tiny_zoo(Path(scratch) / "models")
        print(f"a synced write of 4 KiB takes {synced_write_ms(Path(scratch)):.2f} ms here")
        with running_server(Path(scratch) / "models", Path(scratch) / "runs.sqlite", accept_fake=True) as server:
            before, start = use_of(server.process.pid) or Use(), time.perf_counter()
            seen, made, fleet_id = measure(server, arguments.devices, arguments.pages, habits)
            took = time.perf_counter() - start
            after = use_of(server.process.pid) or Use()
            share = 100 * (after.cpu_s - before.cpu_s) / took
            print(f"the server used {share:.0f} % of a core over {took:.0f} s, {after.peak_mb:.0f} MB at most")
            exact = all_arrived(planned, made, seen, listed(server.url, fleet_id))
    return report(seen, arguments.devices, exact)


def report(seen: Sequence[Seen], devices: int, exact: bool) -> int:
    """Print the latencies and the verdict."""
    progress = [second for one in seen for second in one.progress_s]
    uploads = [second for one in seen for second in one.upload_s]
    unheard = sum(one.progress_unanswered for one in seen)
    print(
        f"progress: {len(progress)} reports, 99 % within {quantile_ms(progress, 0.99):.1f} ms; {unheard} not answered in time"
    )
    print(f"uploads: {len(uploads)}, median {quantile_ms(uploads, 0.5):.1f} ms, slowest {1000 * max(uploads):.0f} ms")
    kept = verdict(f"99 % of uploads of {devices} devices", quantile_ms(uploads, 0.99), LIMIT_MS, "ms")
    return 0 if kept and exact else 1


if __name__ == "__main__":
    sys.exit(main())
