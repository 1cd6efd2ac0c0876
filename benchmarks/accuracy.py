"""Accuracy with real weights on real photographs, by PyTorch, onnxruntime and browsers: python -m benchmarks.accuracy [--browsers chromium,firefox].

The photographs and weights are in the folder that ZOO_SHARED_DATA names, else in ../shared/data; they are not part of the project.
PyTorch and onnxruntime see all photographs, browsers every fifth of those: there a photograph takes about a second on two cores. The
exit status is 1 where a runtime's answers differ from PyTorch's by more than noise (evaluation/classification.py and detection.py say
how much that is), or where the figures are far from those known of these weights (evaluation/subjects.py).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, Playwright, sync_playwright

from benchmarks.machine import ROOT, machine
from builder.errors import ZooError
from builder.records import ModelEntry
from evaluation.browser import InBrowser
from evaluation.runtimes import Onnxruntime, Scores
from evaluation.subjects import SUBJECTS, Subject, exported, far_from_known, pytorch, task
from evaluation.task import ask
from fleet.browsers import KINDS, Kind, need
from scripts.serving import running_server

SAMPLE = 5  # browsers see every fifth photograph
_WIDTHS = (26, 7, 7, 9, 12, 9, 15, 15, 15)


@dataclass(frozen=True)
class Figures:
    """What one runtime scored over how many photographs; PyTorch's over the same ones beside it."""

    photographs: int
    scores: Scores
    pytorch: Scores


def evaluate(
    subject: Subject, data: Path, entry: ModelEntry, models: Path, pages: dict[Kind, Page]
) -> tuple[dict[str, Figures], list[str]]:
    """Each runtime's figures, and what is wrong with them in words."""
    questions = task(subject, data)
    everything = range(len(questions.inputs))
    expected = ask(questions, pytorch(subject, data), everything)
    native = Onnxruntime((models / entry.variants[0].path).read_bytes(), subject.spec())
    answers = {"PyTorch": expected, native.name: ask(questions, native, everything)}
    for kind, page in pages.items():
        browser = InBrowser(page, entry, name=kind.capitalize())
        answers[browser.name] = ask(questions, browser, everything[::SAMPLE])
        browser.close()
    problems = []
    figures = {}
    for name, given in answers.items():
        same = {place: expected[place] for place in given}
        figures[name] = Figures(len(given), questions.scores(given), questions.scores(same))
        problems += [f"{subject.model_id} in {name}: {words}" for words in questions.differences(expected, given)]
    problems += [f"{subject.model_id}: {words}" for words in far_from_known(subject, figures["PyTorch"].scores)]
    return figures, problems


@contextmanager
def open_pages(playwright: Playwright, server: str, kinds: tuple[Kind, ...]) -> Iterator[dict[Kind, Page]]:
    """The server's page in each of those browsers."""
    with ExitStack() as stack:
        pages = {}
        for kind in kinds:
            local = need(kind)
            browser = local.launch(playwright)
            stack.callback(browser.close)
            pages[kind] = local.new_context(browser).new_page()
            pages[kind].goto(server)
            pages[kind].wait_for_selector("html[data-state=ready]")
        yield pages


def row(*cells: str) -> str:
    """One line of the table."""
    return "  ".join(cell.ljust(width) if at < 2 else cell.rjust(width) for at, (cell, width) in enumerate(zip(cells, _WIDTHS, strict=True))).rstrip()  # fmt: skip


def lines(subject: Subject, figures: dict[str, Figures]) -> Iterator[str]:
    """The table's lines for one model, one a measure; a browser's figure has PyTorch's on the same photographs in brackets."""
    for measure in figures["PyTorch"].scores:
        browsers = []
        sample = 0
        for kind in KINDS:
            of = figures.get(kind.capitalize())
            sample = of.photographs if of else sample
            browsers.append(f"{of.scores[measure]:.2f} ({of.pytorch[measure]:.2f})" if of else "")
        known = subject.figures.get(measure)
        yield row(
            subject.model_id,
            measure,
            str(figures["PyTorch"].photographs),
            f"{figures['PyTorch'].scores[measure]:.2f}",
            f"{figures['onnxruntime'].scores[measure]:.2f}",
            str(sample or ""),
            *browsers,
            "" if known is None else f"{known} +- {subject.far:g}",
        )


def main() -> int:
    """Print the table and what is wrong; 0 if nothing is."""
    parser = argparse.ArgumentParser(description="Measure accuracy with real weights on real photographs.")
    parser.add_argument(
        "--browsers", default=",".join(KINDS), help="chromium, firefox, both (the default) or none ('')"
    )
    asked = [name for name in parser.parse_args().browsers.split(",") if name]
    if not set(asked) <= set(KINDS):
        parser.error(f"--browsers: expected some of {', '.join(KINDS)}")
    kinds = tuple(kind for kind in KINDS if kind in asked)
    data = Path(os.environ.get("ZOO_SHARED_DATA", ROOT.parent / "shared" / "data"))
    print(machine())
    problems = []
    with tempfile.TemporaryDirectory(prefix="zoo-accuracy-") as scratch:
        models = Path(scratch) / "models"
        try:
            entries = [exported(subject, data, models) for subject in SUBJECTS]
        except ZooError as error:
            raise SystemExit(str(error)) from error
        print(row("model", "per cent", "images", "PyTorch", "onnxruntime", "sample", "Chromium", "Firefox", "known"))
        with (
            running_server(models, Path(scratch) / "runs.sqlite") as server,
            sync_playwright() as playwright,
            open_pages(playwright, server.url, kinds) as pages,
        ):
            for subject, entry in zip(SUBJECTS, entries, strict=True):
                figures, found = evaluate(subject, data, entry, models, pages)
                problems += found
                print(*lines(subject, figures), sep="\n", flush=True)
    for problem in problems:
        print(f"WRONG: {problem}")
    print("not all as it should be" if problems else "the runtimes agree, and the figures are near the known ones")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
