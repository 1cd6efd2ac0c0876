"""Calls the page's own modules inside a real browser page, one for all tests of a module: they change nothing in it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from scripts.serving import running_server
from tests.support.javascript import JavaScript

_CALL = """async ([path, argument]) => {
  const module = await import(new URL(path, location.href).href);
  return (FUNCTION)(module, argument);
}"""


@pytest.fixture(scope="module")
def javascript_beside(
    browser: Browser, browser_context_args: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Path], JavaScript]]:
    """Makes a caller of web/'s modules, in the page that the real server serves beside these models."""
    with contextlib.ExitStack() as stack:

        def open_beside(models: Path) -> JavaScript:
            database = tmp_path_factory.mktemp("runs") / "runs.sqlite"
            server = stack.enter_context(running_server(models, database, accept_fake=True))
            page = stack.enter_context(browser.new_context(**browser_context_args)).new_page()
            page.goto(server.url)
            page.wait_for_selector("html[data-state=ready]")
            return lambda module, function, argument=None: page.evaluate(
                _CALL.replace("FUNCTION", function), [f"/{module}", argument]
            )

        yield open_beside


@pytest.fixture(scope="module")
def javascript(javascript_beside: Callable[[Path], JavaScript], tiny_zoo: Path) -> JavaScript:
    """A caller of web/'s modules, in the page that the real server serves."""
    return javascript_beside(tiny_zoo)
