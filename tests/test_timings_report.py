"""The report: what it says, that it needs nothing but itself, and that no name or message becomes a part of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from playwright.sync_api import BrowserContext, Page, expect

from builder.errors import ZooError
from tests.support.runs import DEVICE, make_failed_run, make_run, verification
from timings.records import Device, Run
from timings.report import write_report
from timings.report_markdown import plain
from timings.report_strips import WIDTH, axis_of

TEN = (10.0, 10.1, 9.9, 10.2, 9.8, 10.0, 10.1, 9.9, 10.3, 9.7)
HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">",
    "a | b || c \\| d",
    "two\nlines\r\n\r\n# three",
    "[click](https://example.com) ![x](https://example.com/x.png) <https://example.com>",
    "https://example.com www.example.com `code` **bold** _thin_ ~~gone~~ $x$ &lt;b&gt;",
    "{{ 7 * 7 }} {% raw %} </style></title>",
    "- 1. item",
    "12. item",
    "=HYPERLINK(1)",
    "\x1b[31mred\x07",
)


def named(name: str, **changes: Any) -> Device:
    return DEVICE.model_copy(update={"device_name": name, **changes})


def report(folder: Path, *runs: Run, title: str = "Fleet", notes: tuple[str, ...] = ()) -> tuple[str, str]:
    paths = write_report(runs, folder, title=title, notes=notes)
    assert [path.name for path in paths] == ["report.html", "report.md"]
    html, md = (path.read_text(encoding="utf-8") for path in paths)
    return html, md


def table_of(md: str) -> list[dict[str, str]]:
    lines = [line for line in md.splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]


def opened(page: Page, folder: Path) -> Page:
    page.goto((folder / "report.html").as_uri())
    return page


def test_a_row_has_the_figures_and_the_proof(tmp_path: Path, page: Page) -> None:
    run = make_run(samples_ms=TEN, verification=verification(used=0.1), final_check=verification(used=0.031))
    _, md = report(tmp_path, run)
    assert table_of(md) == [
        {
            "Model": "echo, seeded weights",
            "Backend": "wasm-8",
            "Device": "Kim's laptop",
            "Browser": "Chromium 156.0.0.0",
            "n": "10",
            "Mean ms": "10.00",
            "SD ms": "0.183",
            "Median ms": "10.00",
            "95 % interval": "9.800 to 10.20",
            "Outputs": "verified, 10 % of the tolerance used",
            "Warnings": "",
        }
    ]
    row = opened(page, tmp_path).locator("tbody tr")
    expect(row).to_have_count(1)
    for text in (
        "echo",
        "wasm-8",
        "Kim's laptop",
        "10.00",
        "0.183",
        "9.800 to 10.20",
        "verified, 10 % of the tolerance used",
    ):
        expect(row).to_contain_text(text)
    expect(row.locator("path")).to_have_attribute("d", re.compile(r"^(M\d+ 0V20){7}$"))


def test_every_row_says_how_much_of_the_tolerance_was_used(tmp_path: Path) -> None:
    runs = [make_run(), make_run(backend="webgpu", threads=1), make_run(device=named("phone"))]
    html, md = report(tmp_path, *runs)
    assert html.count("verified, 50 % of the tolerance used") == 3
    assert [row["Outputs"] for row in table_of(md)] == ["verified, 50 % of the tolerance used"] * 3


def test_few_samples_have_no_interval_and_no_deviation_and_not_0(tmp_path: Path) -> None:
    run = make_run(samples_ms=(9812.0,), iterations_requested=30, stopped_by="time_budget")
    html, md = report(tmp_path, run)
    (row,) = table_of(md)
    assert (row["n"], row["SD ms"], row["95 % interval"]) == ("1 of 30", "", "")
    assert "<rect" not in html


def test_rows_of_one_model_stand_beside_each_other(tmp_path: Path) -> None:
    runs = [make_run(model=model, device=named(device)) for device in ("b", "a") for model in ("two", "one")]
    _, md = report(tmp_path, *runs)
    assert [(row["Model"][:3], row["Device"]) for row in table_of(md)] == [
        ("one", "a"), ("one", "b"), ("two", "a"), ("two", "b")
    ]  # fmt: skip


def test_failed_runs_have_their_message_and_no_row(tmp_path: Path) -> None:
    html, md = report(tmp_path, make_run(), make_failed_run(backend="webgpu", threads=1, message="no adapter"))
    assert len(table_of(md)) == 1
    assert "- **echo webgpu** on Kim's laptop (Chromium 156.0.0.0), at session: no adapter" in md
    assert "no adapter" in html
    assert "2 runs on 1 device: 1 timed, 1 failed." in html
    assert "2 runs on 1 device: 1 timed, 1 failed." in md


def test_warnings_are_told_once_with_their_runs(tmp_path: Path) -> None:
    doubt = [{"code": "drift", "message": "It got slower."}]
    _, md = report(tmp_path, make_run(warnings=doubt), make_run(warnings=doubt, device=named("phone")))
    assert "- `drift`: It got slower. (echo wasm-8 on Kim's laptop; echo wasm-8 on phone)" in md
    assert [row["Warnings"] for row in table_of(md)] == ["drift", "drift"]


def test_what_ran_elsewhere_or_with_fewer_threads_says_so(tmp_path: Path) -> None:
    mixed = make_run(backend="webgpu", threads=1, placement={"webgpu": {"Conv": 2}, "wasm": {"NMS": 1}})
    _, md = report(tmp_path, mixed, make_run(threads=1))
    assert {row["Backend"] for row in table_of(md)} == {"webgpu (ran on webgpu+wasm)", "wasm-8 (1 thread ran)"}


def test_devices_have_their_specification(tmp_path: Path) -> None:
    plain_one = named(
        "phone", cores=None, memory_gb=None, cross_origin_isolated=False, device_id="2" * 8 + DEVICE.device_id[8:]
    )
    _, md = report(
        tmp_path, make_run(device=named("tablet", emulated="iPad, CPU slowed 4 times")), make_run(device=plain_one)
    )
    phone, tablet = (md.partition(f"### {name}\n")[2].partition("###")[0] for name in ("phone", "tablet"))
    assert "- Emulated: yes: iPad, CPU slowed 4 times\n" in tablet
    for fact in (
        "Browser: Chromium 156.0.0.0",
        "Engine: Blink 156.0.0.0",
        "Platform: Linux x86",
        "Cores: 8",
        "Memory: 8 GB",
    ):
        assert f"- {fact}" in tablet
    assert "- Cross-origin isolated: yes\n" in tablet
    assert "- Cores: not told\n- Memory: not told\n" in phone
    assert "- Cross-origin isolated: no: one thread" in phone
    assert "Emulated" not in phone
    assert "emulating iPad, CPU slowed 4 times" in table_of(md)[1]["Browser"]


def test_no_run_is_said_clearly(tmp_path: Path, page: Page) -> None:
    _, md = report(tmp_path, notes=("phone could not be reached",))
    assert "No run arrived, so there is nothing to show." in md
    assert "- phone could not be reached" in md
    main = opened(page, tmp_path).locator("main")
    expect(main).to_contain_text("No run arrived, so there is nothing to show.")
    expect(main).to_contain_text("phone could not be reached")
    expect(page.locator("table")).to_have_count(0)


def test_the_same_runs_give_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    runs = [make_run(), make_run(device=named("phone"))]
    assert report(tmp_path / "a", *runs) == report(tmp_path / "b", *reversed(runs))


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ZooError, match="cannot be written"):
        write_report([], tmp_path / "file", title="Fleet")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(360, 740), (1440, 900)])
def test_it_fits_any_screen_and_fetches_nothing(
    tmp_path: Path, context: BrowserContext, browser_name: str, scheme: Any, width: int, height: int
) -> None:
    runs = [
        make_run(model="a_very_long_name_of_a_network", device=named("x" * 200), samples_ms=TEN),
        make_failed_run(message="y" * 300),
    ]
    report(tmp_path, *runs, make_run(device=named("phone"), warnings=[{"code": "not_isolated", "message": "m" * 200}]))
    asked: list[str] = []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)
    opened(page, tmp_path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")  # an installed Firefox cannot be told to
    assert dark is (scheme == "dark") or browser_name == "firefox"
    assert paper == ("rgb(19, 21, 19)" if dark else "rgb(250, 249, 246)")
    assert [url for url in asked if not url.startswith(("data:", (tmp_path / "report.html").as_uri()))] == []


@pytest.mark.parametrize("text", HOSTILE)
def test_in_html_any_text_stays_a_text(tmp_path: Path, page: Page, text: str) -> None:
    device = named(text, emulated=text, browser=text, gpu_vendor=text)
    doubts = [{"code": "drift", "message": text}]
    report(
        tmp_path,
        make_run(device=device, warnings=doubts),
        make_failed_run(device=device, message=text),
        title=text,
        notes=(text,),
    )
    opened(page, tmp_path)
    # As people read it: white space in one, and marks for what cannot be printed.
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split()))
    expect(page).to_have_title(shown)
    expect(page.locator("h1")).to_have_text(shown)
    expect(page.locator("h3")).to_have_text(shown)
    expect(page.locator(".problem")).to_have_text(shown)
    expect(page.locator("td.device > span")).to_have_text(shown)
    assert page.locator("script, img, a, iframe, b").count() == 0


def in_markdown(md: str) -> list[Token]:
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(md)
    return [inner for token in tokens for inner in (token, *(token.children or ()))]


def cells_of(md: str) -> list[str]:
    """What a reader sees in the cells of the tables, after each other."""
    tokens = MarkdownIt("commonmark").enable("table").parse(md)
    places = (place for place, token in enumerate(tokens) if token.type == "td_open")
    return ["".join(child.content for child in tokens[place + 1].children or ()) for place in places]


@pytest.mark.parametrize("text", HOSTILE)
def test_in_markdown_any_text_stays_a_text(tmp_path: Path, text: str) -> None:
    device = named(text, emulated=text, browser=text)
    harmless = named("x", emulated="x", browser="x")
    kinds = []
    for who, what in ((device, text), (harmless, "x")):
        doubts = [{"code": "drift", "message": what}]
        runs = (make_run(device=who, warnings=doubts), make_failed_run(device=who, message=what))
        _, md = report(tmp_path, *runs, title=what, notes=(what,))
        kinds.append([token.type for token in in_markdown(md) if token.type not in ("text", "text_special")])
        # A pipe too many would move the cells behind it.
        assert cells_of(md)[-2:] == ["verified, 50 % of the tolerance used", "drift"]
    assert kinds[0] == kinds[1]
    assert len(kinds[0]) > 50


@pytest.mark.parametrize(
    "text", [*HOSTILE, "Kim's laptop 2.0", "snake_case_name", "_under_", "C:\\Users", "100 % & more"]
)
def test_plain_shows_the_text_as_it_is(text: str) -> None:
    paragraph = MarkdownIt("commonmark").enable(["table"]).parse(plain(text))
    (inline,) = (token for token in paragraph if token.type == "inline")
    assert inline.children is not None
    assert {child.type for child in inline.children} <= {"text", "text_special"}
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split()))
    assert "".join(child.content for child in inline.children) == shown
    assert "://" not in plain(text)
    assert "www." not in plain(text)


def test_the_axis_holds_every_sample_and_its_labels_are_few() -> None:
    for durations in ([0.0], [5.0, 5.0], [0.5, 40_000.0], [12.0, 13.0], [1e-9, 6e9]):
        axis = axis_of(durations)
        assert axis is not None
        assert all(0 <= axis.place(duration) <= WIDTH for duration in durations)
        assert 1 <= len(axis.ticks) <= 5, durations
        assert all(0 <= place <= WIDTH for _, place in axis.ticks)
    assert axis_of([]) is None
    wide = axis_of([1.0, 100.0])
    assert wide is not None
    assert wide.place(10.0) == pytest.approx(WIDTH / 2)


def test_when_it_was_measured_is_told_in_utc(tmp_path: Path) -> None:
    times = (datetime(2026, 11, 22, 9, 5, tzinfo=UTC), datetime(2026, 11, 22, 11, 30, tzinfo=UTC))
    _, md = report(tmp_path, *(make_run(started_at=moment) for moment in times))
    assert "2026-11-22 09:05 to 2026-11-22 11:30 UTC; onnxruntime-web 1.30.0; page 0.1.0+0123456789ab." in md
