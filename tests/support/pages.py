"""Opening the page, waiting for it, and reading what it shows and what it sent."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Locator, Page, expect

from timings.records import Run

# A worker that Firefox never starts is begun anew after 30 s, and that may happen twice. Less than the 120 s for which proxy.py withholds
# an answer.
_DONE_MS = 110_000
# Playwright's own 5 s are little for two busy cores, and the page may keep a text back for 4 s (web/announcer.js).
expect.set_options(timeout=20_000)


def address(server: str, **parameters: object) -> str:
    """The page's URL with these parameters; a `fake` script is given as a dict."""
    texts = {name: json.dumps(value) if isinstance(value, dict) else str(value) for name, value in parameters.items()}
    return f"{server}/?{urlencode(texts)}"


def run_fake(page: Page, server: str, script: dict[str, Any] | None = None, **parameters: object) -> None:
    """Let the page time the tiny zoo with the scripted runtime, and wait until it is done."""
    page.goto(fake_address(server, script, **parameters))
    wait_until_done(page)


def fake_address(server: str, script: dict[str, Any] | None = None, **parameters: object) -> str:
    """Where the page times the tiny zoo with the scripted runtime: by default three warm-ups, then the samples and nothing else.

    A parameter that is None is left to the page.
    """
    defaults: dict[str, object] = {
        "autorun": 1, "models": "echo", "backends": "wasm-1", "warmup": 3, "min_time": 0, "end_to_end": 0
    }  # fmt: skip
    chosen = {name: value for name, value in (defaults | parameters).items() if value is not None}
    return address(server, runtime="fake", fake=script or {}, **chosen)


def wait_until_done(page: Page, timeout_ms: int = _DONE_MS) -> None:
    page.wait_for_selector("html[data-state=done]", state="attached", timeout=timeout_ms)


def wait_until_sent(page: Page) -> None:
    """Wait until the server has all runs of a batch that is done: after Stop the page waits a second for that, and goes on by itself."""
    expect(page.locator("html")).to_have_attribute("data-runs-unsent", "0")


def wait_until_true(page: Page, expression: str, argument: object = None, timeout_s: float = 60) -> None:
    """Wait until a JavaScript function gives what is true, its promise kept: Playwright's wait_for_function takes the promise for true."""
    end = time.monotonic() + timeout_s
    while not page.evaluate(expression, argument):
        assert time.monotonic() < end, f"never true: {expression}"
        page.wait_for_timeout(100)


def rows(page: Page) -> Locator:
    return page.locator("#results tbody tr")


def cells(row: Locator) -> dict[str, str]:
    """A row's texts by field, as they are read."""
    found: dict[str, str] = row.evaluate(
        "row => Object.fromEntries([...row.cells].map(cell => [cell.dataset.field, cell.innerText.trim().replace(/\\s+/g, ' ')]))"
    )
    return found


def counts(page: Page) -> tuple[int, int, int]:
    """How many runs the page says are done, failed and not sent."""
    data = page.evaluate("({...document.documentElement.dataset})")
    return int(data["runsDone"]), int(data["runsFailed"]), int(data["runsUnsent"])


def stored(server: str, row: Locator) -> Run:
    """The run of a row as the server stored it."""
    with urllib.request.urlopen(f"{server}/api/runs/{row.get_attribute('data-run-id')}") as reply:
        return Run.model_validate_json(reply.read())


def only_run(page: Page, server: str) -> Run:
    """The one run of the page, as the server stored it."""
    assert rows(page).count() == 1
    return stored(server, rows(page))
