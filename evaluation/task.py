"""What a model is asked and how its answers are judged: the interface of Classification and CocoDetection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

from evaluation.runtimes import Array, Runtime, Scores

Answer = TypeVar("Answer")


class Task(Protocol[Answer]):
    """`inputs` are the photographs as tensors; answers go by their place in that list."""

    inputs: list[Array]

    def answer(self, outputs: Mapping[str, Array]) -> Answer:
        """What one photograph's outputs say."""
        ...

    def scores(self, answers: Mapping[int, Answer]) -> Scores:
        """The figures, over the photographs that were answered."""
        ...

    def differences(self, expected: Mapping[int, Answer], actual: Mapping[int, Answer]) -> list[str]:
        """What is more than noise between two runtimes' answers, in words, over the photographs that `actual` has."""
        ...


def ask(task: Task[Answer], runtime: Runtime, places: Iterable[int]) -> dict[int, Answer]:
    """The answers of one runtime for the photographs at these places."""
    return {place: task.answer(runtime.run(task.inputs[place])) for place in places}
