"""SSD post-processing in numpy, held to torchvision's operators and to cases worked out by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from torchvision import ops

from builder.catalogue.detectors import SSD_MOBILENET_V1, SSD_MOBILENET_V1_COCO, SSD_RESNET34
from builder.detection import decode, detect, iou, sigmoid, softmax, suppress
from builder.spec import SsdSpec

Array = NDArray[np.float32]

assert isinstance(SSD_RESNET34.postprocessing, SsdSpec)
assert isinstance(SSD_MOBILENET_V1.postprocessing, SsdSpec)
assert isinstance(SSD_MOBILENET_V1_COCO.postprocessing, SsdSpec)
COCO, VOC, MLPERF = SSD_RESNET34.postprocessing, SSD_MOBILENET_V1.postprocessing, SSD_MOBILENET_V1_COCO.postprocessing
PRIORS = np.array([[0.25, 0.25, 0.2, 0.2], [0.75, 0.25, 0.2, 0.2], [0.26, 0.25, 0.2, 0.2]], np.float32)


def _boxes(count: int) -> st.SearchStrategy[Array]:
    """Corner boxes, many of them overlapping, some empty or outside the image."""
    corner = hnp.arrays(np.float32, (count, 2), elements=st.floats(-0.5, 1.0, width=32))
    size = hnp.arrays(np.float32, (count, 2), elements=st.floats(0.0, 1.0, width=32))
    return st.tuples(corner, size).map(lambda pair: np.concatenate([pair[0], pair[0] + pair[1]], axis=1))


@given(st.integers(1, 30).flatmap(lambda n: st.tuples(_boxes(n), _boxes(n))))
@settings(max_examples=200, deadline=None)
def test_iou_is_torchvisions(pair: tuple[Array, Array]) -> None:
    ours = iou(pair[0][0], pair[1])
    theirs = ops.box_iou(torch.from_numpy(pair[0][:1]).double(), torch.from_numpy(pair[1]).double())[0].nan_to_num()
    assert ours == pytest.approx(theirs.numpy(), abs=1e-12)


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(_boxes(n), st.permutations(range(n)))))
@settings(max_examples=200, deadline=None)
def test_suppression_is_torchvisions(case: tuple[Array, list[int]]) -> None:
    boxes, order = case
    scores = np.array([0.2 + 0.01 * rank for rank in order], np.float32)
    rules = dataclasses.replace(VOC, score_threshold=0.0, candidates_per_class=1000)
    theirs = ops.nms(torch.from_numpy(boxes).double(), torch.from_numpy(scores).double(), VOC.iou_threshold)
    assert suppress(boxes, scores, rules) == theirs.tolist()


@given(hnp.arrays(np.float32, (7, 5), elements=st.floats(-30, 30, width=32)))
@settings(deadline=None)
def test_softmax_is_torchs(logits: Array) -> None:
    theirs = torch.softmax(torch.from_numpy(logits).double(), 1).float().numpy()
    assert softmax(logits) == pytest.approx(theirs, rel=1e-6)


@given(hnp.arrays(np.float32, (7, 5), elements=st.floats(-200, 200, width=32)))
@settings(deadline=None)
def test_sigmoid_is_torchs(logits: Array) -> None:
    theirs = torch.sigmoid(torch.from_numpy(logits).double()).float().numpy()
    assert sigmoid(logits) == pytest.approx(theirs, rel=1e-6, abs=1e-30)


def test_no_box_outgrows_the_limit_and_clipping_cuts_it_to_the_image() -> None:
    offsets, prior = np.array([[0, 0, 50, 50]], np.float32), np.array([[0.5, 0.5, 0.01, 0.02]], np.float32)
    limited = dataclasses.replace(COCO, max_log_size=float(np.log(10)))
    (box,) = decode(offsets, prior, limited)
    assert box == pytest.approx([0.45, 0.4, 0.55, 0.6], abs=1e-6)
    (cut,) = decode(offsets, prior, dataclasses.replace(COCO, clip=True))
    assert cut.tolist() == [0, 0, 1, 1]


def test_with_sigmoid_each_class_is_scored_alone() -> None:
    logits = np.array([[[9.0, 0.0, 0.0], [-9.0, 2.0, -20.0], [0.0, -20.0, -20.0]]], np.float32)
    rules = dataclasses.replace(MLPERF, score_threshold=0.4)
    found = detect(np.zeros((1, 3, 4), np.float32), logits, PRIORS, rules)
    assert [(d.class_index, d.prior) for d in found] == [(1, 1), (1, 0), (2, 0)]
    assert [d.score for d in found] == pytest.approx([1 / (1 + np.exp(-2)), 0.5, 0.5], rel=1e-6)


def test_decoding_of_zero_offsets_gives_the_priors() -> None:
    found = decode(np.zeros((3, 4), np.float32), PRIORS, COCO)
    assert found == pytest.approx(ops.box_convert(torch.from_numpy(PRIORS), "cxcywh", "xyxy").numpy(), abs=1e-7)


def test_decoding_shifts_and_scales_as_published() -> None:
    (box,) = decode(np.array([[1, -2, 3, 0]], np.float32), np.array([[0.5, 0.5, 0.2, 0.4]], np.float32), COCO)
    width = 0.2 * np.exp(0.6)
    assert box == pytest.approx([0.52 - width / 2, 0.42 - 0.2, 0.52 + width / 2, 0.42 + 0.2], abs=1e-6)


def _logits(*rows: list[float]) -> Array:
    return np.array([rows], np.float32)


def _small(**changes: object) -> SsdSpec:
    return dataclasses.replace(VOC, **changes)  # type: ignore[arg-type]


def test_the_best_of_overlapping_boxes_of_a_class_is_kept() -> None:
    found = detect(np.zeros((1, 3, 4), np.float32), _logits([0, 4], [0, 3], [0, 5]), PRIORS, VOC)
    assert [(d.class_index, d.prior) for d in found] == [(1, 2), (1, 1)]
    assert found[0].score == pytest.approx(np.exp(5) / (1 + np.exp(5)), rel=1e-6)


def test_overlapping_boxes_of_different_classes_are_both_kept() -> None:
    found = detect(np.zeros((1, 3, 4), np.float32), _logits([0, 5, -9], [9, 0, 0], [0, -9, 4]), PRIORS, VOC)
    assert [(d.class_index, d.prior) for d in found] == [(1, 0), (2, 2)]


def test_equal_scores_go_by_class_then_by_prior() -> None:
    apart = np.array([[0.1, 0.1, 0.1, 0.1], [0.5, 0.5, 0.1, 0.1], [0.9, 0.9, 0.1, 0.1]], np.float32)
    found = detect(np.zeros((1, 3, 4), np.float32), _logits([0, 2, 2], [0, 2, 2], [0, 2, 2]), apart, VOC)
    assert [(d.class_index, d.prior) for d in found] == [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)]


def test_nothing_over_the_threshold_is_nothing_found() -> None:
    assert detect(np.zeros((1, 3, 4), np.float32), _logits([9, 0], [9, 0], [9, 0]), PRIORS, VOC) == []


@pytest.mark.parametrize(("at_threshold", "kept"), [(True, [0]), (False, [0, 1])])
def test_an_overlap_of_exactly_the_threshold(at_threshold: bool, kept: list[int]) -> None:
    boxes = np.array([[0, 0, 1, 1], [0, 0, 1, 0.5]], np.float32)
    rules = _small(iou_threshold=0.5, suppress_at_threshold=at_threshold)
    assert suppress(boxes, np.array([0.9, 0.8], np.float32), rules) == kept


def test_candidates_are_cut_before_suppression_and_detections_after() -> None:
    boxes = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3]], np.float32)
    assert suppress(boxes, np.array([0.9, 0.8, 0.7], np.float32), _small(candidates_per_class=2)) == [0]
    found = detect(np.zeros((1, 3, 4), np.float32), _logits([0, 5], [0, 4], [0, 3]), PRIORS, _small(max_detections=1))
    assert len(found) == 1


def test_the_channel_major_layout_gives_the_same_detections() -> None:
    locations = np.random.default_rng(0).standard_normal((1, 3, 4), dtype=np.float32)
    logits = _logits([0, 3, 1], [0, 1, 4], [2, 0, 0])
    transposed = (locations.swapaxes(1, 2), logits.swapaxes(1, 2))
    rows = detect(locations, logits, PRIORS, VOC)
    assert rows
    assert detect(*transposed, PRIORS, _small(layout="channel_major")) == rows


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_outputs_that_are_not_finite_are_refused(bad: float) -> None:
    logits = _logits([0, 4], [0, bad], [0, 5])
    with pytest.raises(ValueError, match="NaN or infinity"):
        detect(np.zeros((1, 3, 4), np.float32), logits, PRIORS, VOC)


def test_a_box_that_overflows_is_refused() -> None:
    locations = np.zeros((1, 3, 4), np.float32)
    locations[0, 0, 2] = 1e6
    with pytest.raises(ValueError, match="decoded boxes"):
        detect(locations, _logits([0, 4], [0, 3], [0, 5]), PRIORS, VOC)


def test_shapes_that_do_not_fit_the_priors_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit 3 priors"):
        detect(np.zeros((1, 4, 4), np.float32), _logits([0, 4]), PRIORS, VOC)
