"""`list` and `check`: what devices there are, and whether each can do what it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from playwright.async_api import Error, Playwright, async_playwright

from builder.errors import ZooError
from fleet.assign import Hands, assignments, device_of
from fleet.browsers import ENGINES, LocalBrowser, find_named
from fleet.config import Choice
from fleet.devices.device import Around, Facts
from fleet.fleet_file import Fleet
from fleet.page_watch import first_line
from fleet.plan import foreseen_s
from fleet.planned import in_words
from fleet.zoo_server import ZooServer

_REACHING_S = 60
_NOBODY = "00000000-0000-4000-8000-000000000000"


async def device_lines(fleet: Fleet | None) -> AsyncIterator[str]:
    """The devices of a file as it describes them; without one, the browsers of this machine, each started once, so that it is known to work."""
    if fleet:
        for spec in fleet.device:
            device = device_of(spec, Hands(lambda text: None, "ascii", lambda run: None))
            pretence = f", pretends to be: {device.emulated}" if device.emulated else ""
            yield f"{spec.name}: {spec.kind}, on {device.host}{pretence}"
        return
    async with async_playwright() as playwright:
        for engine in ENGINES:
            browser = find_named(engine)
            yield f"{engine:10}" + (await _version(playwright, browser) if browser else _none(engine))


async def check_lines(fleet: Fleet, choice: Choice, server: ZooServer) -> AsyncIterator[tuple[str, bool]]:
    """Each device's browser and backends, or why it cannot be reached, and how long the plan would take. The second part: is it well."""
    manifest = await server.manifest()
    hands = Hands(lambda text: None, "ascii", lambda run: None)
    mine = assignments(fleet, choice, _NOBODY, manifest, (), hands)
    yield f"server: {server.url}, {len(manifest.models)} models", True
    async with async_playwright() as playwright:
        for one in mine:
            around = Around(playwright, ZooServer(one.job.server))
            plan = f"{one.plan.runs} runs, about {in_words(one.plan.foreseen_s)}"
            try:
                async with asyncio.timeout(_REACHING_S):
                    facts = await one.device.facts(around)
            except (ZooError, Error, TimeoutError) as error:
                yield f"{one.plan.device}: NOT READY. {_in_words(error)}", False
                continue
            yield f"{one.plan.device}: {_shown(facts)}; {plan}", True
            if missing := _missing(facts, one.job.backends):
                yield (
                    f"{one.plan.device}: it does not offer {', '.join(missing)}; those runs would be stored as failed",
                    False,
                )
    yield f"in all about {in_words(foreseen_s(one.plan for one in mine))}", True


def _missing(facts: Facts, backends: tuple[str, ...]) -> list[str]:
    if facts.backends is None:
        return []
    return [
        name for name in backends if name.partition("-")[0] not in {known.partition("-")[0] for known in facts.backends}
    ]


def _shown(facts: Facts) -> str:
    return facts.browser + (f", {', '.join(facts.backends)}" if facts.backends else "")


def _in_words(error: BaseException) -> str:
    if isinstance(error, Error):
        return first_line(error)
    return str(error) if isinstance(error, ZooError) else f"no answer within {_REACHING_S} s"


async def _version(playwright: Playwright, local: LocalBrowser) -> str:
    browser = await getattr(playwright, local.kind).launch(**local.launch_options(), handle_sigint=False)
    try:
        return f"{browser.version:20}{local.executable}"
    finally:
        await browser.close()


def _none(engine: str) -> str:
    return "none; " + ("python -m playwright install webkit" if engine == "webkit" else "make setup installs one")
