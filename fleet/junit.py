"""A fleet's outcome as JUnit XML, as Jenkins, GitLab and GitHub's readers take it: a suite per device, a test per model and backend.

A test has one result. Where several things are wrong with it, the gravest decides (a run that never came, then one that failed, then what
the baseline says), and its text has them all. Figures are in a test's `system-out`, since not every reader takes properties of tests.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from fleet.outcomes import MissingRun
from timings.baseline import Verdict, case_of, in_words
from timings.cells import measured
from timings.display import cut_short, printable, significant
from timings.records import Device, Run
from timings.report_rows import facts_of, proof

# What XML 1.0 has no way to say (section 2.2), not even escaped.
_ILLEGAL: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_THE_DEVICE: Final = "the device"


@dataclass
class _Test:
    """All that is known of one model on one backend of a device."""

    runs: list[Run] = field(default_factory=list)
    missing: list[MissingRun] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)


def junit_xml(
    runs: Sequence[Run], missing: Sequence[MissingRun] = (), verdicts: Sequence[Verdict] = (), *, name: str = "fleet"
) -> str:
    """The XML document. A failed run, and a verdict that fails the build, are failures; a run that never came is an error.

    Write it as UTF-8.
    """
    devices = _tests(runs, missing, verdicts)
    root = ElementTree.Element("testsuites", name=_legal(name))
    for device, tests in sorted(devices.items()):
        root.append(_suite(device, tests))
    for count in ("tests", "failures", "errors", "skipped"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    root.set("time", _seconds(sum(float(suite.get("time", "0")) for suite in root)))
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _tests(
    runs: Iterable[Run], missing: Iterable[MissingRun], verdicts: Iterable[Verdict]
) -> dict[str, dict[str, _Test]]:
    """By device and by label."""
    devices: dict[str, dict[str, _Test]] = {}

    def test(device: str, label: str) -> _Test:
        return devices.setdefault(device, {}).setdefault(label, _Test())

    for run in runs:
        test(case_of(run).device, case_of(run).label).runs.append(run)
    for absent in missing:
        test(absent.device, f"{absent.model} {absent.backend}".strip() or _THE_DEVICE).missing.append(absent)
    for verdict in verdicts:
        test(verdict.case.device, _label_of(verdict, devices)).verdicts.append(verdict)
    return devices


def _label_of(verdict: Verdict, devices: dict[str, dict[str, _Test]]) -> str:
    """A baseline's case that never came belongs to the run that was planned, which may be called wasm where the case is wasm-2."""
    case = verdict.case
    if verdict.word == "missing":
        for asked in (case.backend, case.backend.partition("-")[0]):
            planned = f"{case.model} {asked}"
            if devices.get(case.device, {}).get(planned, _Test()).missing:
                return planned
    return case.label


def _suite(device: str, tests: dict[str, _Test]) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=_legal(device))
    runs = sorted((run for test in tests.values() for run in test.runs), key=lambda run: run.started_at)
    if runs:
        suite.set("timestamp", runs[0].started_at.strftime("%Y-%m-%dT%H:%M:%S"))
        _add_properties(suite, runs[-1].device)
    cases = [_case(device, label, test) for label, test in sorted(tests.items())]
    suite.extend(cases)
    suite.set("tests", str(len(cases)))
    for count, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(count, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("time", _seconds(sum(float(case.get("time", "0")) for case in cases)))
    return suite


def _add_properties(suite: ElementTree.Element, device: Device) -> None:
    properties = ElementTree.SubElement(suite, "properties")
    for term, value in facts_of(device).facts:
        ElementTree.SubElement(properties, "property", name=term, value=_legal(value))


def _case(device: str, label: str, test: _Test) -> ElementTree.Element:
    seconds = sum(map(_duration_s, test.runs))
    case = ElementTree.Element("testcase", classname=_legal(device), name=_legal(label), time=_seconds(seconds))
    wrong = _wrong(test)
    if wrong:
        tag, kind, message = wrong[0]
        result = ElementTree.SubElement(case, tag, type=kind, message=_legal(printable(message)))
        result.text = _legal("\n".join(text for _, _, text in wrong))
    figures = [*map(_figures, test.runs), *(f"{verdict.word}: {in_words(verdict)}" for verdict in test.verdicts)]
    if figures:
        ElementTree.SubElement(case, "system-out").text = _legal("\n".join(figures))
    return case


def _wrong(test: _Test) -> list[tuple[str, str, str]]:
    """What is wrong with the test, the gravest first: the element, its type and its message."""
    failures = ((run, run.error) for run in test.runs)
    return [
        *(("error", "never came", absent.reason) for absent in test.missing),
        *(("failure", error.stage, f"failed at {error.stage}: {error.message}") for _, error in failures if error),
        *(
            ("failure", verdict.word, f"{verdict.word}: {in_words(verdict)}")
            for verdict in test.verdicts
            if verdict.fails and verdict.word != "failed"
        ),
    ]


def _duration_s(run: Run) -> float:
    """How long the run's own steps took, as far as they are known."""
    steps = [
        run.download_ms,
        run.runtime_ms,
        run.session_ms,
        run.first_ms,
        *(sample.duration_ms for sample in run.samples),
    ]
    return sum(step for step in steps if step is not None) / 1000


def _figures(run: Run) -> str:
    if run.error is not None:
        return f"run {run.run_id}: no timing"
    row = measured(run)
    summary = row.summary
    ms = {
        "median": summary.median_ms,
        "from": summary.median_low_ms,
        "to": summary.median_high_ms,
        "mean": summary.mean_ms,
        "SD": summary.sd_ms,
    }
    told = ", ".join(f"{what} {significant(value)} ms" for what, value in ms.items() if value is not None)
    doubts = [f"warnings: {', '.join(warning.code for warning in run.warnings)}"] if run.warnings else []
    cut = cut_short(run)
    return "; ".join(
        [f"run {run.run_id}: {told}", f"n {cut or summary.n}", proof(row), f"{run.weights} weights", *doubts]
    )


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"


def _legal(text: str) -> str:
    return _ILLEGAL.sub("", text)
