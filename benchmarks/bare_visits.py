"""Nothing but Playwright: starts each browser named, opens an address in it, waits until the page is done, and ends the browser.

What a fleet does beyond that is its overhead (benchmarks/fleet_overhead.py): python -m benchmarks.bare_visits chromium URL firefox URL.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

from playwright.async_api import async_playwright

from fleet.browsers import find_named

_PATIENCE_MS = 600_000


async def visit(playwright: Any, name: str, address: str) -> None:
    """Open `address` in a fresh browser of that name, and wait until the page is done."""
    local = find_named(name)
    if local is None:
        raise SystemExit(f"there is no {name} on this machine")
    browser = await getattr(playwright, local.kind).launch(**local.launch_options())
    page = await (await browser.new_context(**local.context_options())).new_page()
    await page.goto(address)
    await page.wait_for_selector("html[data-state=done]", state="attached", timeout=_PATIENCE_MS)
    await browser.close()


async def main(words: Sequence[str]) -> None:
    """Visit one after another. `words` are names of browsers, each with its address."""
    async with async_playwright() as playwright:
        for name, address in zip(words[::2], words[1::2], strict=True):
            await visit(playwright, name, address)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
