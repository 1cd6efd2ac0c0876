"""What the page's address may ask for, and how it says that it cannot do so."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Serve
from tests.support.pages import address, cells, only_run, rows, wait_until_done


def test_an_autorun_with_bad_parameters_names_them_all_and_runs_nothing(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    url = serve(tiny_zoo).url
    page.goto(address(url, autorun=1, models="vgg,echo", backends="cuda", iterations="many", color="red"))
    expect(page.locator("html")).to_have_attribute("data-state", "invalid")
    alert = page.get_by_role("alert")
    expect(alert.get_by_role("listitem")).to_have_count(4)
    for said in (
        'models=vgg,echo holds "vgg", which is not a choice; the choices are echo, echo_ssd, echo_boxes.',
        "backends=cuda is not a choice; the choices are wasm",
        "iterations=many is not a whole number from 1 to 10000.",
        "color is unknown; the parameters are autorun, models,",
    ):
        expect(alert).to_contain_text(said)
    page.wait_for_timeout(300)
    assert rows(page).count() == 0
    assert page.request.get(f"{url}/api/timings.csv").text().count("\n") == 1


def test_names_in_the_address_are_text_and_never_markup(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    page.goto(address(serve(tiny_zoo).url, autorun=1, models="<img src=x onerror=alert(1)>"))
    expect(page.get_by_role("alert")).to_contain_text("models=<img src=x onerror=alert(1)>")
    assert page.locator("#problems img").count() == 0


def test_without_autorun_a_bad_parameter_is_named_and_the_page_can_be_used(
    page: Page, serve: Serve, tiny_zoo: Path
) -> None:
    page.goto(address(serve(tiny_zoo).url, models="vgg", iterations=4))
    expect(page.locator("html")).to_have_attribute("data-state", "ready")
    expect(page.get_by_role("alert")).to_contain_text("models=vgg is not a choice")
    expect(page.locator("#iterations")).to_have_value("4")


def test_the_form_shows_what_the_address_asks_for(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    url = address(serve(tiny_zoo).url, models="echo_ssd", backends="wasm-1", iterations=7, device="Kim's phone")
    page.goto(url)
    page.wait_for_selector("html[data-state=ready]")
    assert page.locator("input[name=model]:checked").evaluate_all("boxes => boxes.map(b => b.value)") == ["echo_ssd"]
    assert page.locator("input[name=backend]:checked").evaluate_all("boxes => boxes.map(b => b.value)") == ["wasm-1"]
    expect(page.get_by_role("radio", name="Numbers of your own")).to_be_checked()
    expect(page.locator("#iterations")).to_have_value("7")
    expect(page.locator("#device-name")).to_have_value("Kim's phone")


FIELDS = ("#iterations", "#min-time", "#precision", "#time-budget")


@pytest.mark.parametrize(
    ("preset", "name", "numbers"),
    [
        ("quick", "Quick look", ["5", "0", "", "120"]),
        ("standard", "Standard", ["30", "1", "", "120"]),
        ("thorough", "Thorough", ["30", "2", "2", "300"]),
    ],
)
def test_a_preset_can_be_named_in_the_address_and_chosen_in_the_form(
    page: Page, serve: Serve, tiny_zoo: Path, preset: str, name: str, numbers: list[str]
) -> None:
    url = serve(tiny_zoo).url
    page.goto(address(url, preset=preset))
    page.wait_for_selector("html[data-state=ready]")
    expect(page.get_by_role("radio", name=name)).to_be_checked()
    assert [page.locator(field).input_value() for field in FIELDS] == numbers

    page.goto(address(url, iterations=7))
    page.wait_for_selector("html[data-state=ready]")
    page.get_by_role("radio", name=name).check()
    assert [page.locator(field).input_value() for field in FIELDS] == numbers
    expect(page.locator("#iterations")).to_be_hidden()
    expect(page.locator("#plan")).to_contain_text(f"{numbers[0]} timed inferences")


def test_the_plan_says_how_long_it_takes_and_each_preset_too(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    page.goto(address(serve(tiny_zoo).url, models="echo", backends="wasm-1", repeat=20))
    page.wait_for_selector("html[data-state=ready]")
    expect(page.locator("#plan")).to_contain_text(
        "20 runs of 30 timed inferences, over 1 s at least. About 60 s, after"
    )
    times = page.locator(".box-time").all_inner_texts()
    assert times == ["about 40 s", "about 60 s", "about 2 min", ""]
    page.get_by_role("button", name="None", exact=True).click()
    assert page.locator(".box-time").all_inner_texts() == [""] * 4


def choose_only_echo(page: Page) -> None:
    """A quick look chooses all light networks."""
    assert page.locator("input[name=model]:checked").count() == 3
    page.get_by_role("button", name="None", exact=True).click()
    page.get_by_role("checkbox", name="Echo", exact=False).first.check()


def test_a_number_of_ones_own_leaves_the_preset(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    page.goto(address(serve(tiny_zoo, accept_fake=True).url, runtime="fake", models="echo", backends="wasm-1"))
    page.wait_for_selector("html[data-state=ready]")
    page.get_by_role("radio", name="Quick look").check()
    page.get_by_role("radio", name="Numbers of your own").check()
    expect(page.locator("#iterations")).to_have_value("5")
    choose_only_echo(page)
    page.locator("#iterations").press("ArrowUp")
    expect(page.get_by_role("radio", name="Numbers of your own")).to_be_checked()
    page.get_by_role("button", name="Start timing").click()
    wait_until_done(page)
    assert cells(rows(page))["n"] == "6"


def test_the_time_budget_of_the_form_is_the_one_that_counts(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    server = serve(tiny_zoo, accept_fake=True)
    page.goto(address(server.url, runtime="fake", models="echo", backends="wasm-1", preset="thorough"))
    page.wait_for_selector("html[data-state=ready]")
    page.get_by_role("radio", name="Quick look").check()
    choose_only_echo(page)
    page.get_by_role("button", name="Start timing").click()
    wait_until_done(page)
    run = only_run(page, server.url)
    assert (run.iterations_requested, run.min_time_s, run.precision, run.time_budget_s) == (5, 0, None, 120)


def test_webgpu_is_shown_with_the_reason_why_it_cannot_be_chosen(page: Page, serve: Serve, tiny_zoo: Path) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'gpu', {get: () => undefined})")
    page.goto(serve(tiny_zoo).url)
    expect(page.locator("input[name=backend][value=webgpu]")).to_be_disabled()
    expect(page.locator("label", has=page.locator("[value=webgpu]"))).to_contain_text("This browser has no WebGPU.")


@pytest.mark.parametrize("empty", ["model", "backend"])
def test_nothing_starts_without_a_network_and_a_backend(page: Page, serve: Serve, tiny_zoo: Path, empty: str) -> None:
    page.goto(serve(tiny_zoo).url)
    page.wait_for_selector("html[data-state=ready]")
    while page.locator(f"input[name={empty}]:checked").count():
        page.locator(f"input[name={empty}]:checked").first.uncheck()
    expect(page.locator("#plan")).to_have_text("Choose a network and a backend below.")
    page.get_by_role("button", name="Start timing").click()
    page.wait_for_timeout(200)
    expect(page.locator("html")).to_have_attribute("data-state", "ready")
    invalid = page.locator(f"input[name={empty}]:invalid")
    assert invalid.count() == 1
