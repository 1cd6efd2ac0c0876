"""Runs of the real page, for benchmarks that need what it measured and not how long it took."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import sync_playwright

from benchmarks.machine import ROOT
from fleet.browsers import Kind, need
from scripts.serving import running_server
from timings.records import Run
from timings.store import Store

_PATIENCE_MS = 600_000
_BUSY_FOR_EACH_IDLE = 4

Visit = Callable[..., list[Run]]


@contextlib.contextmanager
def visits(kind: Kind) -> Iterator[Visit]:
    """Gives a function that visits the page in a fresh profile, with these URL parameters, and returns the runs that the visit left.

    The runs come in the order in which they began. Raises SystemExit if one of them failed.
    """
    browser = need(kind)
    with tempfile.TemporaryDirectory(prefix="zoo-runs-") as scratch, sync_playwright() as playwright:
        database = Path(scratch) / "runs.sqlite"
        with running_server(ROOT / "models", database) as server, Store(str(database), create=False) as store:
            running = browser.launch(playwright)
            known: set[str] = set()

            def visit(**parameters: object) -> list[Run]:
                context = browser.new_context(running)
                page = context.new_page()
                page.goto(f"{server.url}/?{urlencode({'autorun': 1, **parameters})}")
                page.wait_for_selector("html[data-state=done]", state="attached", timeout=_PATIENCE_MS)
                context.close()
                runs = [run for run in store.runs() if run.run_id not in known]
                known.update(run.run_id for run in runs)
                for run in runs:
                    if run.error is not None:
                        raise SystemExit(f"a run failed at {run.error.stage}: {run.error.message}")
                return sorted(runs, key=lambda run: run.order.position if run.order else 0)

            try:
                yield visit
            finally:
                running.close()


def idle_visits(visit: Visit, wanted: int, **parameters: object) -> Iterator[list[Run]]:
    """So many visits during which, by the page's own calibration, nothing else used the processor: whether it did was decided by that
    alone, not by what was measured. Those during which something did are set aside and said so, four times as many at most.

    Raises SystemExit if the machine does not come to rest.
    """
    busy = found = 0
    while found < wanted:
        runs = visit(**parameters)
        if any(warning.code == "background_load" for run in runs for warning in run.warnings):
            busy += 1
            if busy > _BUSY_FOR_EACH_IDLE * wanted:
                raise SystemExit(
                    f"NOT IDLE: something else used the processor during {busy} of {busy + found} visits (background_load); "
                    "end it and measure again"
                )
            continue
        found += 1
        yield runs
    print(f"{busy} visits were set aside because something else used the processor meanwhile (background_load)")


def versions(run: Run) -> str:
    """The browser, the runtime and what ran, of a run that stands for all."""
    device = run.device
    where = f"{run.backend}, {run.threads} threads" if run.backend == "wasm" else run.backend
    return f"{device.browser} {device.browser_version}, {run.runtime} {run.runtime_version}, {run.model} {run.variant}, {where}, page {run.page_version}"
