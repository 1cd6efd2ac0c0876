"""The fleet's command line and the address that it makes."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from fleet.__main__ import resumed
from fleet.config import Check, Choice, Init, ListDevices, RunFleet, Schema, parse
from fleet.records import Job

SERVER = ["run", "--server", "http://127.0.0.1:8000"]


def run(*more: str) -> RunFleet:
    request = parse([*SERVER, *more])
    assert isinstance(request, RunFleet)
    return request


def test_everything_has_a_default() -> None:
    request = parse(["run"])
    assert request == RunFleet(Choice(None, Job("", "")), arguments=("run",))
    assert parse(["list"]) == ListDevices(None)
    assert parse(["init"]) == Init(Path("fleet.toml"))
    assert parse(["schema"]) == Schema()
    assert parse(["check", "mine.toml"]) == Check(Choice(Path("mine.toml"), Job("", "")))


def test_one_browser_can_be_chosen_without_a_file() -> None:
    assert run("--browser", "firefox").choice.browser == "firefox"
    assert run("--device", " Ada's phone ").choice.job.device_name == "Ada's phone"
    assert run("--device", "x").choice.browser == "chromium"
    assert run("--swiftshader").choice.browser == "chromium"


def test_what_belongs_to_a_session_is_read() -> None:
    request = run("fleet.toml", "--only", "a", "--only", "b", "--ci", "--baseline", "old.csv", "--fail-if-slower", "5%")
    assert (request.choice.only, request.ci, request.serve) == (("a", "b"), True, False)
    assert (request.baseline, request.fail_if_slower) == (Path("old.csv"), 0.05)
    assert run("--resume").resume is True
    assert run("--resume", "somewhere").resume == Path("somewhere")
    assert run("--no-files").out is None
    served = parse(["run", "--ci"])
    assert isinstance(served, RunFleet)
    assert served.serve, "an automatic build has no server that somebody started"


def test_the_page_gets_every_choice_in_its_address() -> None:
    chosen = run(
        "--models", "resnet50,mobilenet_v1", "--backends", "wasm-1", "--iterations", "7", "--time-budget", "2.5",
        "--device", "desk",
    )  # fmt: skip
    url = urlsplit(chosen.choice.job.url())
    assert (url.scheme, url.netloc, url.path) == ("http", "127.0.0.1:8000", "/")
    assert parse_qs(url.query) == {
        "autorun": ["1"],
        "models": ["resnet50,mobilenet_v1"],
        "backends": ["wasm-1"],
        "iterations": ["7"],
        "time_budget": ["2.5"],
        "device": ["desk"],
    }


def test_what_is_not_given_is_left_to_the_page() -> None:
    assert parse_qs(urlsplit(run("--device", "desk").choice.job.url()).query).keys() == {"autorun", "device"}


@pytest.mark.parametrize(
    ("option", "value", "parameter", "text"),
    [
        ("--preset", "thorough", "preset", "thorough"),
        ("--min-time", "0", "min_time", "0"),
        ("--min-time", "1.5", "min_time", "1.5"),
        ("--precision", "2", "precision", "2"),
        ("--precision", "1e-2", "precision", "0.01"),
        ("--time-budget", "2.50", "time_budget", "2.5"),
        ("--repeat", "3", "repeat", "3"),
        ("--order", "sequential", "order", "sequential"),
        ("--seed", "4294967295", "seed", "4294967295"),
        ("--end-to-end", "0", "end_to_end", "0"),
        ("--warmup", "0", "warmup", "0"),
        ("--timeout", "900", "timeout", "900"),
        ("--models", "all", "models", "all"),
        ("--placement", None, "placement", "1"),
    ],
)
def test_what_is_given_is_in_the_address(option: str, value: str | None, parameter: str, text: str) -> None:
    chosen = run(option, value) if value is not None else run(option)
    assert parse_qs(urlsplit(chosen.choice.job.url()).query)[parameter] == [text]


def test_a_device_name_may_hold_any_character() -> None:
    url = Job("http://h", "a&models=x #1 ü").url()
    assert parse_qs(urlsplit(url).query)["device"] == ["a&models=x #1 ü"]
    assert "models" not in parse_qs(urlsplit(url).query)


def test_a_fleets_page_knows_whose_it_is() -> None:
    url = Job("http://h", "a", fleet_id="an-id", emulated="Pixel 7, CPU", device_id="a-device", report=True).url()
    asked = parse_qs(urlsplit(url).query)
    assert (asked["fleet"], asked["emulated"], asked["device_id"], asked["report"]) == (
        ["an-id"], ["Pixel 7, CPU"], ["a-device"], ["1"]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required"),
        (["fly"], "choose from"),
        (["run", "fleet.toml", "--browser", "firefox"], "--only NAME"),
        ([*SERVER, "--serve"], "--serve"),
        (["run", "--no-files", "--resume"], "--no-files"),
        (["run", "--fail-if-slower", "fast"], "expected a number of per cent"),
        (["agent", "--browser", "netscape"], "choose from"),
        (["run", "--server", "localhost:8000"], "expected an address such as http://127.0.0.1:8000"),
        (["run", "--server", "http://h/models"], "expected an address"),
        ([*SERVER, "--browser", "safari"], "choose from"),
        ([*SERVER, "--models", "a,,b"], "expected different names with commas between them"),
        ([*SERVER, "--models", "a,a"], "expected different names"),
        ([*SERVER, "--iterations", "0"], "expected a whole number from 1 to 10000"),
        ([*SERVER, "--iterations", "1.5"], "got '1.5'"),
        ([*SERVER, "--warmup", "-1"], "expected a whole number from 0 to 1000"),
        ([*SERVER, "--time-budget", "nan"], "expected a number of seconds"),
        ([*SERVER, "--time-budget", "0"], "more than 0"),
        ([*SERVER, "--min-time", "-1"], "expected a number of seconds from 0"),
        ([*SERVER, "--precision", "0"], "expected a number of per cent"),
        ([*SERVER, "--precision", "101"], "at most 100"),
        ([*SERVER, "--preset", "slow"], "choose from"),
        ([*SERVER, "--order", "random"], "choose from"),
        ([*SERVER, "--seed", "4294967296"], "expected a whole number from 0 to 4294967295"),
        ([*SERVER, "--repeat", "0"], "expected a whole number from 1 to 100"),
        ([*SERVER, "--time-budget", "forever"], "expected a number of seconds"),
        ([*SERVER, "--device", " "], "expected 1 to 200"),
        ([*SERVER, "--browser", "firefox", "--swiftshader"], "only Chromium has it"),
    ],
)
def test_a_bad_command_line_says_what_was_expected(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "way", [["--resume"], ["--resume", "there"], ["--resume=there"], ["--resume", "--out=results"]]
)
def test_a_bare_resume_means_what_the_session_was_asked(way: list[str]) -> None:
    begun = ("run", "fleet.toml", "--only", "desk", "--iterations", "7", "--fail-if-slower", "20%")
    request = parse(["run", *way, "--ci"])
    assert isinstance(request, RunFleet)
    found = resumed(request, begun)
    assert (found.choice.file, found.choice.only, found.choice.job.iterations) == (Path("fleet.toml"), ("desk",), 7)
    assert (found.resume, found.ci, found.fail_if_slower, found.serve) == (request.resume, True, 0.2, False)


def test_a_resume_that_names_devices_means_those() -> None:
    request = parse(["run", "other.toml", "--resume", "there"])
    assert isinstance(request, RunFleet)
    assert resumed(request, ("run", "fleet.toml")) == request
