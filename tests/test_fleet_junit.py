"""What a build machine is told: JUnit XML, the summary, the reasons to fail, and the example workflow."""

from __future__ import annotations

import importlib
import re
import shlex
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from fleet.junit import junit_xml
from fleet.outcomes import MissingRun, reasons_to_fail
from fleet.summary import summary_markdown
from scripts.serving import ROOT
from tests.support.runs import DEVICE, make_failed_run, make_run
from timings.baseline import Case, Level, Verdict, VerdictWord
from timings.comparison import Interval
from timings.records import Device

WORKFLOW = ROOT / ".github" / "workflows" / "browser-timings.yml"
TABLET = MissingRun("tablet", "echo", "wasm", "connection refused at ws://10.0.0.9:3000")
# What readers of JUnit XML know (the schema of Jenkins' xUnit plugin, which GitLab's and GitHub's readers take parts of).
ATTRIBUTES = {
    "testsuites": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"classname", "name", "time"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "system-out": set(),
}
CHILDREN = {
    "testsuites": ["testsuite"],
    "testsuite": ["properties", "testcase"],
    "properties": ["property"],
    "testcase": ["error", "failure", "system-out"],
}


def named(name: str) -> Device:
    return DEVICE.model_copy(update={"device_name": name})


def verdict(word: VerdictWord, fails: bool, case: Case | None = None, *notes: str) -> Verdict:
    then, now = Level(10.0, 9.8, 10.2, 1), Level(12.5, 12.0, 13.0, 1)
    place = case or Case("Kim's laptop", "echo", "fp32", "wasm-8")
    return Verdict(place, word, fails, then, now, 1.25, Interval(1.25, 1.19, 1.31), notes)


def parsed(text: str) -> ElementTree.Element:
    """The document, once it is seen to be one that readers take."""
    root = ElementTree.fromstring(text.encode())
    assert root.tag == "testsuites"
    for element in root.iter():
        assert set(element.keys()) <= ATTRIBUTES[element.tag], element.tag
        order = [CHILDREN.get(element.tag, []).index(child.tag) for child in element]
        assert order == sorted(order), f"the order of what is in {element.tag}"
    for suite in root:
        for count, tag in (("failures", "failure"), ("errors", "error")):
            assert suite.get(count) == str(len(suite.findall(f"testcase/{tag}")))
        assert suite.get("tests") == str(len(suite.findall("testcase")))
        assert all(len([c for c in case if c.tag in ("failure", "error")]) <= 1 for case in suite.iter("testcase"))
    for count in ("tests", "failures", "errors"):
        assert root.get(count) == str(sum(int(suite.get(count, "")) for suite in root))
    return root


def cases(root: ElementTree.Element) -> dict[tuple[str, str], str]:
    """What became of each test, by device and name."""
    return {
        (case.get("classname", ""), case.get("name", "")): next(
            (c.tag for c in case if c.tag != "system-out"), "passed"
        )
        for case in root.iter("testcase")
    }


def test_a_suite_per_device_and_a_test_per_model_and_backend() -> None:
    runs = [
        make_run(),
        make_run(),
        make_run(model="resnet50", variant="int8"),
        make_failed_run(backend="webgpu", threads=1),
        make_run(device=named("phone"), backend="webnn", device_type="npu", threads=1),
    ]
    root = parsed(junit_xml(runs, [TABLET], name="nightly"))
    assert [suite.get("name") for suite in root] == ["Kim's laptop", "phone", "tablet"]
    assert cases(root) == {
        ("Kim's laptop", "echo wasm-8"): "passed",
        ("Kim's laptop", "resnet50 int8 wasm-8"): "passed",
        ("Kim's laptop", "echo webgpu"): "failure",
        ("phone", "echo webnn-npu"): "passed",
        ("tablet", "echo wasm"): "error",
    }
    assert (root.get("name"), root.get("tests"), root.get("failures"), root.get("errors")) == ("nightly", "5", "1", "1")


def test_messages_are_where_readers_look() -> None:
    root = parsed(junit_xml([make_failed_run(message="out of memory")], [TABLET]))
    failure, error = root.find(".//failure"), root.find(".//error")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == ("session", "failed at session: out of memory")
    assert error is not None
    assert error.get("message") == error.text == "connection refused at ws://10.0.0.9:3000"


def test_times_are_seconds_and_devices_have_properties() -> None:
    root = parsed(junit_xml([make_run(samples_ms=(100.0, 200.0))]))
    (suite,) = root
    # 35.25 + 700.25 + 100.5 + 40.125 ms before the samples.
    assert root.get("time") == suite.get("time") == suite[1].get("time") == "1.176"
    assert suite.get("timestamp") == "2026-03-01T11:00:00"
    properties = {p.get("name"): p.get("value") for p in suite.iter("property")}
    assert properties["Browser"] == "Chromium 156.0.0.0"
    assert properties["Cores"] == "8"
    assert properties["Cross-origin isolated"] == "yes"


def test_the_figures_are_in_the_output() -> None:
    out = parsed(junit_xml([make_run()])).findtext(".//system-out") or ""
    for part in (
        "median 12.00 ms",
        "mean 12.00 ms",
        "SD 0.935 ms",
        "n 5",
        "verified, 50 % of the tolerance used",
        "seeded weights",
    ):
        assert part in out


@pytest.mark.parametrize(
    ("word", "fails", "becomes"),
    [("slower", True, "failure"), ("missing", True, "failure"), ("slower", False, "passed"), ("faster", False, "passed"),
     ("new", False, "passed"), ("not comparable", False, "passed"), ("no difference shown", False, "passed")],
)  # fmt: skip
def test_verdicts_that_fail_the_build_are_failures(word: VerdictWord, fails: bool, becomes: str) -> None:
    runs = [] if word == "missing" else [make_run()]
    root = parsed(junit_xml(runs, verdicts=[verdict(word, fails)]))
    assert cases(root) == {("Kim's laptop", "echo wasm-8"): becomes}
    text = root.findtext(".//failure") if becomes == "failure" else root.findtext(".//system-out")
    assert f"{word}: then 10.00 ms (9.800 to 10.20); now 12.50 ms" in (text or "")
    assert "1.250 times as long (95 % interval 1.190 to 1.310)" in (text or "")


def test_a_test_with_several_faults_has_one_result_that_tells_all() -> None:
    runs, absent = (
        [make_failed_run(message="lost the GPU"), make_run()],
        MissingRun("Kim's laptop", "echo", "wasm-8", "timed out"),
    )
    failed = verdict("failed", True, None, "1 of 2 runs failed")
    (case,) = parsed(junit_xml(runs, [absent], [failed])).iter("testcase")
    (error,) = case.findall("error")
    assert error.text == "timed out\nfailed at session: lost the GPU"


def test_a_case_of_the_baseline_that_never_came_is_told_once() -> None:
    gone = verdict("missing", True, Case("tablet", "echo", "fp32", "wasm-4"))
    other = verdict("missing", True, Case("tablet", "echo", "fp32", "webgpu"))
    assert cases(parsed(junit_xml([], [TABLET], [gone, other]))) == {
        ("tablet", "echo wasm"): "error",
        ("tablet", "echo webgpu"): "failure",
    }


def test_a_device_as_a_whole_can_be_missing() -> None:
    root = parsed(junit_xml([], [MissingRun("tablet", "", "", "unreachable")]))
    assert cases(root) == {("tablet", "the device"): "error"}


def test_nothing_at_all_is_still_a_document() -> None:
    assert parsed(junit_xml([])).get("tests") == "0"


@pytest.mark.parametrize(
    "text", ["a\x00b", "\x1b[31m", "\ufffe\uffff", "]]></failure><x/>", "<&\"'>", "電話 📱", "\x7f\x85"]
)
def test_any_text_makes_legal_xml(text: str) -> None:
    device = named(f"d{text}")
    root = parsed(
        junit_xml([make_failed_run(device=device, message=f"m{text}")], [MissingRun(f"t{text}", "m", "b", f"r{text}")])
    )
    kept = re.sub("[\x00\x1b\ufffe\uffff]", "", text)
    assert [suite.get("name") for suite in root] == [f"d{kept}", f"t{kept}"]
    assert kept in (root.findtext(".//failure") or "")
    assert (root.findtext(".//error") or "").endswith(kept)


def test_the_reasons_to_fail() -> None:
    assert reasons_to_fail([make_run()], []) == ()
    assert reasons_to_fail([], []) == ("no run came",)
    assert reasons_to_fail([make_run()], [], [verdict("slower", False), verdict("new", False)]) == ()
    verdicts = [verdict("slower", True), verdict("missing", True), verdict("missing", True), verdict("failed", True)]
    assert reasons_to_fail([make_failed_run(), make_run()], [TABLET], verdicts) == (
        "1 run failed",
        "1 run never came",
        "1 slower than the baseline",
        "2 of the baseline missing",
    )


def test_the_summary_begins_with_the_outcome() -> None:
    passed = summary_markdown([make_run()], title="Nightly")
    assert passed.startswith("## Nightly\n\n**Passed.**\n\n1 run on 1 device: 1 timed, 0 failed.")
    failed = summary_markdown([make_failed_run()], [TABLET], [verdict("slower", True), verdict("faster", False)])
    assert "**Failed**: 1 run failed; 1 run never came; 1 slower than the baseline.\n" in failed
    assert "| Kim's laptop | echo wasm-8 | **slower** | then 10.00 ms (9.800 to 10.20); now 12.50 ms" in failed
    assert failed.index("**slower**") < failed.index("| faster |")
    assert "- **echo wasm** on tablet: connection refused at ws&#58;//10.0.0.9:3000" in failed
    assert "at session: out of memory" in failed
    assert summary_markdown([]).count("no run came") == 1


def test_the_summary_stays_within_what_github_takes() -> None:
    runs = [make_failed_run(message="x" * 4000, device=named(f"{i:04}" + "d" * 196)) for i in range(300)]
    absent = [MissingRun("d" * 200, "m" * 100, "wasm", "r" * 5000)] * 300
    text = summary_markdown(runs, absent, [verdict("slower", True, None, "n" * 5000)] * 300)
    assert len(text.encode()) < 1_000_000
    assert text.count("And 100 more, which the report has.") == 3


def test_names_and_messages_are_no_markdown() -> None:
    def kinds(text: str) -> list[str]:
        device = named(text)
        where = Case(text, "echo", "fp32", "wasm-8")
        summary = summary_markdown(
            [make_run(device=device), make_failed_run(device=device, message=text)],
            [MissingRun(text, text, "wasm", text)],
            [verdict("slower", True, where, text)],
            title=text,
            notes=[text],
        )
        tokens = MarkdownIt("commonmark").enable("table").parse(summary)
        inner = (child.type for token in tokens for child in (token, *(token.children or ())))
        return [kind for kind in inner if kind not in ("text", "text_special")]

    for text in ("a | b\n| c |", "<b>x</b>", "[a](https://b.example)", "**x** `y`", "# x\n\n- y", "![x](y)"):
        assert kinds(text) == kinds("x"), text


def workflow() -> dict[str, Any]:
    # By name, since there are no types of it.
    loaded: dict[str, Any] = importlib.import_module("yaml").safe_load(WORKFLOW.read_text(encoding="utf-8"))
    return loaded


def steps() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = workflow()["jobs"]["time"]["steps"]
    return found


def fleet_commands() -> list[list[str]]:
    """What the workflow gives to python -m fleet, for each browser."""
    browsers = workflow()["jobs"]["time"]["strategy"]["matrix"]["browser"]
    given = (step["run"] for step in steps() if "-m fleet run" in step.get("run", ""))
    lines = [line.replace("${{ matrix.browser }}", browser) for line in given for browser in browsers]
    return [shlex.split(line)[3:] for line in lines]


def test_the_example_workflow_is_whole() -> None:
    job = workflow()["jobs"]["time"]
    assert job["strategy"]["matrix"]["browser"] == ["chromium", "firefox", "webkit"]
    assert workflow()["permissions"] == {"contents": "read"}
    commands = "\n".join(step.get("run", "") for step in steps())
    for needed in (
        "make setup",
        "playwright install --with-deps",
        "builder build mobilenet_v2",
        "--fail-if-slower 10%",
        "summary.md",
    ):
        assert needed in commands
    kept = next(step["with"]["path"] for step in steps() if "upload-artifact" in step.get("uses", ""))
    assert [Path(line).name for line in kept.split()] == ["junit.xml", "timings.csv", "report.html"]
    assert "not been run" in WORKFLOW.read_text(encoding="utf-8")


def test_no_text_from_outside_gets_into_a_command() -> None:
    used = {found for step in steps() for found in re.findall(r"\$\{\{\s*([\w.]+)", step.get("run", ""))}
    assert used == {"matrix.browser"}


def test_the_example_workflow_gives_the_fleet_what_it_takes() -> None:
    parse = importlib.import_module("fleet.config").parse
    commands = fleet_commands()
    assert len(commands) == 6
    for command in commands:
        request = parse(command)
        assert request.ci
        if "--baseline" in command:
            assert request.fail_if_slower == pytest.approx(0.1)
            assert request.baseline.name in {"chromium.csv", "firefox.csv", "webkit.csv"}
