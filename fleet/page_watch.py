"""What a page tells while it measures. The names in it are the page's contract with its drivers."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from playwright.async_api import Error, Page
from pydantic import TypeAdapter

from fleet.records import Snapshot

# Runs in the page and calls back when what it shows has changed. The page tells, and is not asked: a question to a page that hangs is
# never answered, and Playwright 1.62 does not time it out either (seen with evaluate and wait_for_function, in both browsers).
_TELL = """
{
  const text = element => element?.textContent.trim().replace(/\\s+/g, " ") ?? "";
  const leaves = element => element.children.length ? [...element.children].flatMap(leaves) : [element];
  const number = value => value === undefined || value === "" ? null : Number(value);
  let before;
  setInterval(() => {
    const root = document.documentElement;
    const progress = document.querySelector("#progress");
    const at = progress?.dataset ?? {};
    const now = JSON.stringify({
      state: root.dataset.state,
      progress: text(progress),
      problem: [...document.querySelectorAll("[role=alert]")].flatMap(leaves).map(text).filter(Boolean).join("; "),
      rows: [...document.querySelectorAll("#results tbody tr[data-run-id]")].map(row => ({
        run_id: row.dataset.runId,
        model: row.dataset.model,
        backend: row.dataset.backend,
        threads: row.dataset.threads,
        outcome: row.dataset.outcome,
        median_ms: text(row.querySelector("[data-field=median_ms]")),
        notes: text(row.querySelector("[data-field=notes]")),
        warnings: Number(row.dataset.warnings ?? 0),
      })),
      failed: Number(root.dataset.runsFailed ?? 0),
      unsent: Number(root.dataset.runsUnsent ?? 0),
      at: {
        model: at.model || null,
        backend: at.backend || null,
        sample: number(at.sample),
        samples: number(at.samples),
        last_ms: number(at.lastMs),
        remaining_s: number(at.remainingS),
      },
    });
    if (root.dataset.state && now !== before) tellFleet(before = now);
  }, 500);
}
"""
_SNAPSHOT = TypeAdapter(Snapshot)


@dataclass(frozen=True)
class Gone:
    """The page, or its browser, is no more."""

    why: str
    page_crashed: bool = False


class PageWatch:
    """Collects what a page tells, from its first script on. `last` is the newest of it; `thrown` are errors that nobody caught."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._told: asyncio.Queue[Snapshot | Gone] = asyncio.Queue()
        self.last: Snapshot | None = None
        self.thrown: list[str] = []
        page.on("pageerror", lambda error: self.thrown.append(error.message))
        page.on("crash", lambda _: self._told.put_nowait(Gone("the page crashed", page_crashed=True)))
        page.on("close", lambda _: self._told.put_nowait(Gone("the page or its browser is gone")))

    async def begin(self) -> None:
        """From now on the page's documents tell."""
        await self._page.expose_function("tellFleet", self._note)
        await self._page.add_init_script(_TELL)

    @property
    def shown(self) -> str:
        """What the page showed last, in words."""
        return "nothing" if self.last is None else self.last.progress or self.last.state

    async def next(self, timeout_s: float) -> Snapshot | Gone | None:
        """The oldest news that nobody has heard; None if there is none within so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                told = await self._told.get()
                if isinstance(told, Snapshot):
                    self.last = told
                return told
        return None

    async def is_up(self, timeout_s: float) -> bool:
        """Whether the page tells within so many seconds that it is not loading any more; `next` still gives that."""
        told = await self.next(timeout_s)
        if told is None or (isinstance(told, Snapshot) and told.state == "loading"):
            return False
        # What is not `loading` is put back for who follows the page; news that come meanwhile stay behind it.
        later = [self._told.get_nowait() for _ in range(self._told.qsize())]
        for one in (told, *later):
            self._told.put_nowait(one)
        return True

    def forget(self) -> None:
        """The page is opened anew: what it told before does not count."""
        while not self._told.empty():
            self._told.get_nowait()
        self.last = None

    def _note(self, text: str) -> None:
        self._told.put_nowait(_SNAPSHOT.validate_json(text))


def first_line(error: Error) -> str:
    """What Playwright says, without the log that follows it."""
    return error.message.strip().splitlines()[0]
