"""With real weights and real photographs: the exported files are right as often as is known of the weights, and give PyTorch's answers.

benchmarks/accuracy.py does the same with more photographs, and prints the figures.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from builder.records import ModelEntry
from evaluation.browser import InBrowser
from evaluation.detection import CocoDetection, agreement
from evaluation.runtimes import Onnxruntime
from evaluation.subjects import SUBJECTS, Subject, exported, far_from_known, pytorch, task
from evaluation.task import ask
from tests.conftest import Serve

BY_PYTORCH = 10  # every tenth photograph, PyTorch being the slowest
IN_BROWSERS = 20

Build = Callable[[Subject], ModelEntry]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for models with real weights."""
    return tmp_path_factory.mktemp("real-weights")


@pytest.fixture(scope="module")
def built(shared_data: Path, models: Path) -> Build:
    """Builds a model with its real weights into `models`, once; its entry in the manifest there."""
    entries: dict[str, ModelEntry] = {}

    def build(subject: Subject) -> ModelEntry:
        if subject.model_id not in entries:
            entries[subject.model_id] = exported(subject, shared_data, models)
        return entries[subject.model_id]

    return build


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.model_id)
def test_the_exported_file_is_as_right_as_its_weights(
    subject: Subject, shared_data: Path, built: Build, models: Path
) -> None:
    entry = built(subject)
    assert entry.weights.kind == "pretrained"
    questions = task(subject, shared_data)
    places = range(len(questions.inputs))
    runtime = Onnxruntime((models / entry.variants[0].path).read_bytes(), subject.spec())
    answers = ask(questions, runtime, places)
    assert far_from_known(subject, questions.scores(answers)) == []

    expected = ask(questions, pytorch(subject, shared_data), places[::BY_PYTORCH])
    actual = {place: answers[place] for place in expected}
    assert questions.differences(expected, actual) == []
    if isinstance(questions, CocoDetection):
        matched, total = agreement(list(expected.values()), list(actual.values()))
        assert matched == total > 0
    else:
        assert actual == expected  # all five of each photograph, in order


def test_browsers_give_the_same_answers(
    shared_data: Path, built: Build, models: Path, serve: Serve, page: Page, browser_name: str
) -> None:
    entries = [built(subject) for subject in SUBJECTS]
    page.goto(serve(models).url)
    page.wait_for_selector("html[data-state=ready]")
    problems = []
    for subject, entry in zip(SUBJECTS, entries, strict=True):
        questions = task(subject, shared_data, IN_BROWSERS)
        places = range(len(questions.inputs))
        assert len(places) >= 4
        native = Onnxruntime((models / entry.variants[0].path).read_bytes(), subject.spec())
        expected = ask(questions, native, places)
        browser = InBrowser(page, entry, name=browser_name)
        actual = ask(questions, browser, places)
        browser.close()
        problems += [f"{subject.model_id}: {words}" for words in questions.differences(expected, actual)]
        assert actual.keys() == expected.keys()
    assert problems == []
