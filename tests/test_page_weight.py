"""What a visitor's browser has to fetch before the page can be used: little, and all of it at once."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page

from benchmarks.page_load import weigh
from tests.conftest import Serve

WEB = Path(__file__).parents[1] / "web"
MOST_BYTES = 150_000
# Static imports, and exports of what is imported; import() is what waits until it is needed.
_IMPORT = re.compile(r"^(?:import|export)\s(?:[^;]*?\sfrom\s)?'(\.[^']+)';", flags=re.MULTILINE)


def imported_by(path: Path, seen: set[Path]) -> set[Path]:
    """That module and all that it needs before it can run."""
    if path not in seen:
        seen.add(path)
        for name in _IMPORT.findall(path.read_text(encoding="utf-8")):
            imported_by((path.parent / name).resolve(), seen)
    return seen


SCRIPTS = r"""() => performance.getEntriesByType('resource').map(({name}) => new URL(name).pathname.slice(1)).filter(name => /\.m?js$/.test(name))"""


def test_the_page_can_be_used_with_at_most_150_kb_of_javascript(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    page.goto(serve(tiny_zoo).url)
    page.wait_for_selector("html[data-state=ready]")
    page.wait_for_load_state("networkidle")
    fetched = set(page.evaluate(SCRIPTS))
    assert "main.js" in fetched
    assert sum((WEB / name).stat().st_size for name in fetched) <= MOST_BYTES
    assert fetched == {str(path.relative_to(WEB)) for path in imported_by(WEB / "main.js", set())}


def test_at_most_150_kb_of_javascript_are_sent_until_a_first_run_is_over(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    """Of the page and its workers, onnxruntime-web apart, compressed as the server does it, whichever encoding the browser takes."""
    weights = weigh(page, f"{serve(tiny_zoo).url}/?models=echo&backends=wasm-1&preset=quick")
    assert {"main.js", "batch.js", "worker.js", "benchmark.js", "runtimes/ort.js", "calibration_worker.js"} <= set(
        weights
    )
    for name, weight in weights.items():
        assert weight.plain == (WEB / name).stat().st_size
        assert max(weight.brotli, weight.gzip) <= weight.plain
    assert sum(weight.brotli for weight in weights.values()) <= MOST_BYTES
    assert sum(weight.gzip for weight in weights.values()) <= MOST_BYTES


def test_every_module_that_the_page_needs_at_first_is_asked_for_at_once() -> None:
    preloaded = re.findall(r'<link rel="modulepreload" href="([^"]+)">', (WEB / "index.html").read_text())
    needed = sorted(str(path.relative_to(WEB)) for path in imported_by(WEB / "main.js", set()))
    needed.remove("main.js")
    # In index.html, one modulepreload for each module that main.js imports, directly or not.
    assert preloaded == needed
