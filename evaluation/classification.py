"""Top-1 and top-5 accuracy, and whether two runtimes give the same answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from builder.spec import ModelSpec
from builder.verify import top_k
from evaluation import photographs
from evaluation.runtimes import Array, Scores

# Two classes may lie within the last digits of each other, though among a thousand that is rare: one photograph in 200.
MOST_CHANGED = 1 / 200
_CLASSES = 1000

Answer = tuple[int, ...]  # the five likeliest of ImageNet's classes, the likeliest first


class Classification:
    """A classifier and the photographs that it is asked about. `inputs` are their tensors; answers go by their place in that list."""

    def __init__(self, spec: ModelSpec, data: Path, every: int) -> None:
        chosen = photographs.imagenet(data, every)
        self.inputs = photographs.tensors(chosen, spec.input)
        self._labels = [photograph.class_index for photograph in chosen]
        (output,) = spec.outputs
        self._output = output.name
        assert output.shape[1] is not None
        self._background = output.shape[1] - _CLASSES  # TensorFlow's networks have a background at 0

    def answer(self, outputs: Mapping[str, Array]) -> Answer:
        return tuple(index - self._background for index in top_k(outputs[self._output], 5))

    def scores(self, answers: Mapping[int, Answer]) -> Scores:
        """Per cent of the photographs that were answered."""
        first = sum(answer[0] == self._labels[at] for at, answer in answers.items())
        among = sum(self._labels[at] in answer for at, answer in answers.items())
        return {"top-1": 100 * first / len(answers), "top-5": 100 * among / len(answers)}

    def differences(self, expected: Mapping[int, Answer], actual: Mapping[int, Answer]) -> list[str]:
        changed = [at for at, answer in actual.items() if answer[0] != expected[at][0]]
        allowed = max(1, int(len(actual) * MOST_CHANGED))
        if len(changed) <= allowed:
            return []
        return [f"the likeliest class of {len(changed)} of {len(actual)} photographs is another ({allowed} may be)"]
