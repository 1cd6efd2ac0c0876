"""The fleet's command line and the address that it makes."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from fleet.config import ListBrowsers, RunJob, parse
from fleet.records import Job

SERVER = ["run", "--server", "http://127.0.0.1:8000"]


def run(*more: str) -> RunJob:
    request = parse([*SERVER, *more])
    assert isinstance(request, RunJob)
    return request


def test_everything_but_the_server_has_a_default() -> None:
    request = run()
    assert (request.kind, request.swiftshader, request.patience_s) == ("chromium", False, 600)
    assert (request.job.models, request.job.backends) == ((), ("wasm",))
    assert request.job == Job("http://127.0.0.1:8000", request.job.device_name, backends=("wasm",))


def test_a_device_is_called_after_its_host_and_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.node", lambda: "ada")
    assert run("--browser", "firefox").job.device_name == "ada firefox"
    assert run("--device", " Ada's phone ").job.device_name == "Ada's phone"


def test_the_page_gets_every_choice_in_its_address() -> None:
    chosen = run(
        "--models", "resnet50,mobilenet_v1", "--backends", "wasm-1", "--iterations", "7", "--time-budget", "2.5"
    )
    url = urlsplit(chosen.job.url())
    assert (url.scheme, url.netloc, url.path) == ("http", "127.0.0.1:8000", "/")
    assert parse_qs(url.query) == {
        "autorun": ["1"],
        "models": ["resnet50,mobilenet_v1"],
        "backends": ["wasm-1"],
        "iterations": ["7"],
        "time_budget": ["2.5"],
        "device": [chosen.job.device_name],
    }


def test_what_is_not_given_is_left_to_the_page() -> None:
    assert parse_qs(urlsplit(run().job.url()).query).keys() == {"autorun", "backends", "device"}


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
    assert parse_qs(urlsplit(chosen.job.url()).query)[parameter] == [text]


def test_a_device_name_may_hold_any_character() -> None:
    url = Job("http://h", "a&models=x #1 ü").url()
    assert parse_qs(urlsplit(url).query)["device"] == ["a&models=x #1 ü"]
    assert "models" not in parse_qs(urlsplit(url).query)


def test_list_is_a_command_of_its_own() -> None:
    assert parse(["list"]) == ListBrowsers()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required"),
        (["fly"], "choose from"),
        (["run"], "--server"),
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
