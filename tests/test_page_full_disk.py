"""A disk that is full while runs arrive: the server says so, devices keep their runs and send them again, and each is stored once."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Request, expect

from tests.conftest import Serve
from tests.support.pages import counts, fake_address, rows, run_fake, wait_until_done
from tests.support.pages import stored as stored_run
from tests.support.serving import stored

pytestmark = pytest.mark.browser_errors("Failed to load resource")
LONG_MS = 60_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    try:
        made = subprocess.run(options, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs the program mount")
    if made.returncode != 0:
        pytest.skip("needs the right to mount a small file system: run the tests as root")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path) -> Path:
    """Write until nothing more fits. Returns the file that has it all."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
    return ballast


def test_runs_that_meet_a_full_disk_are_kept_and_stored_once_there_is_room(
    page: Page, serve: Serve, tiny_zoo: Path, small_disk: Path
) -> None:
    database = small_disk / "runs.sqlite"
    server = serve(tiny_zoo, accept_fake=True, database=database)
    run_fake(page, server.url, iterations=3)  # one is stored before
    ballast = fill(small_disk)
    replies: list[tuple[int, dict[str, Any]]] = []

    def note(request: Request) -> None:
        response = request.response()
        if request.method == "POST" and response is not None:
            replies.append((response.status, json.loads(response.text())))

    page.on("requestfinished", note)
    # So many samples that no page of the database that is half empty has room for them.
    page.goto(fake_address(server.url, {"durations_ms": [1.5]}, models="echo,echo_ssd", iterations=2000))
    wait_until_done(page)
    assert counts(page) == (2, 0, 2)
    kept = {row.get_attribute("data-run-id") for row in rows(page).all()}
    notice = page.locator("#unsent")
    expect(notice).to_contain_text("2 runs not sent yet")
    expect(notice).to_contain_text("kept in this browser and sent again by themselves")
    expect(notice).to_contain_text("database or disk is full")
    expect(notice).to_contain_text("free")
    assert stored(database) == 1

    ballast.unlink()
    expect(page.locator("html")).to_have_attribute("data-runs-unsent", "0", timeout=LONG_MS)
    expect(notice).to_be_hidden()
    refused = [error for status, error in replies if status == 503]
    assert len(refused) >= 2
    assert {error["error"]["got"] for error in refused} == {"database or disk is full"}
    assert {error["error"]["expected"] for error in refused} == {"a disk with free space"}
    assert sorted(reply["run_id"] for status, reply in replies if status == 201) == sorted(str(one) for one in kept)
    assert stored(database) == 3
    for row in rows(page).all():
        assert len(stored_run(server.url, row).samples) == 2000
