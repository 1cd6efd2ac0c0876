"""COCO's mean average precision of our own detections, and whether two runtimes find the same."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from builder.detection import Detection
from builder.spec import ModelSpec, SsdSpec
from builder.verify import detections, matched
from evaluation import photographs
from evaluation.photographs import CocoImage
from evaluation.runtimes import Array, Scores

MOST_POINTS = 0.1  # by which two runtimes' figures may differ
# Of a hundred detections an image most have scores near the threshold: where two boxes overlap by just the limit, or two scores are
# next to equal at the hundredth place, the last digit decides which one stays.
LEAST_MATCHED = 0.995

Answer = list[Detection]


class CocoDetection:
    """An SSD whose class indices are COCO's category ids, and the images that it is shown. `inputs` are their tensors; answers go by
    their place in that list."""

    def __init__(self, spec: ModelSpec, data: Path, every: int) -> None:
        assert isinstance(spec.postprocessing, SsdSpec)
        self._annotations, images = photographs.coco(data)
        self._images = images[::every]
        self.inputs = photographs.tensors(self._images, spec.input)
        self._settings = spec.postprocessing
        self._priors = spec.postprocessing.make_priors()

    def answer(self, outputs: Mapping[str, Array]) -> Answer:
        return detections(outputs, self._settings, self._priors)

    def scores(self, answers: Mapping[int, Answer]) -> Scores:
        """COCO's AP over IoU 0.5 to 0.95, and at 0.5, in points, over the images that were answered."""
        found = [result for at, answer in answers.items() for result in _as_coco_results(self._images[at], answer)]
        if not found:  # of which pycocotools can make nothing
            return {"mAP": 0.0, "AP50": 0.0}
        with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress
            truth = COCO(str(self._annotations))
            evaluation = COCOeval(truth, truth.loadRes(found), "bbox")
            evaluation.params.imgIds = [self._images[at].image_id for at in answers]
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
        return {"mAP": 100 * float(evaluation.stats[0]), "AP50": 100 * float(evaluation.stats[1])}

    def differences(self, expected: Mapping[int, Answer], actual: Mapping[int, Answer]) -> list[str]:
        problems = []
        same = {at: expected[at] for at in actual}
        before, after = self.scores(same), self.scores(actual)
        problems += [
            f"{measure} is {after[measure]:.2f} and not {before[measure]:.2f} ({MOST_POINTS} points may be between them)"
            for measure in before
            if abs(after[measure] - before[measure]) > MOST_POINTS
        ]
        pairs, total = agreement(list(same.values()), list(actual.values()))
        if pairs < LEAST_MATCHED * total:
            problems.append(f"{pairs} of {total} detections agree ({LEAST_MATCHED:.1%} must)")
        return problems


def agreement(expected: Sequence[Answer], actual: Sequence[Answer]) -> tuple[int, int]:
    """How many detections have a partner as builder/verify.py pairs them, of how many on the side that has more."""
    pairs = [(matched(one, other), max(len(one), len(other))) for one, other in zip(expected, actual, strict=True)]
    return sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)


def _as_coco_results(image: CocoImage, found: Answer) -> list[dict[str, object]]:
    results: list[dict[str, object]] = []
    for detection in found:
        left, top, right, bottom = detection.box
        width, height = (right - left) * image.width, (bottom - top) * image.height
        box = [left * image.width, top * image.height, width, height]
        results.append(
            {
                "image_id": image.image_id,
                "category_id": detection.class_index,
                "score": detection.score,
                "bbox": box,
            }
        )
    return results
