"""web/detection.js finds exactly what builder/detection.py finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from safetensors.numpy import load_file

from builder import manifest
from builder.catalogue import CATALOGUE
from builder.detection import Detection, detect
from builder.records import ModelEntry, Ssd
from builder.spec import SsdSpec
from tests.support.javascript import JavaScript
from tests.support.tiny_zoo import write_tiny_zoo

Array = NDArray[np.float32]

DETECT = """({detect}, cases) => cases.map(({locations, logits, priors, ssd}) => {
  const tensor = ({data, dims}) => ({data: Float32Array.from(data), dims});
  try {
    return detect({[ssd.locations_output]: tensor(locations), [ssd.scores_output]: tensor(logits)}, tensor(priors), ssd);
  } catch (error) {
    return error.name;
  }
})"""


@dataclass(frozen=True)
class Case:
    """Head outputs in the settings' own layout."""

    locations: Array
    logits: Array
    priors: Array
    ssd: Ssd

    def sent(self) -> dict[str, Any]:
        tensors = {"locations": self.locations, "logits": self.logits, "priors": self.priors}
        packed = {name: {"data": t.ravel().tolist(), "dims": list(t.shape)} for name, t in tensors.items()}
        return {**packed, "ssd": self.ssd.model_dump(mode="json")}

    def expected(self) -> list[Detection]:
        return detect(self.locations, self.logits, self.priors, self.ssd)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Ssd:
    """Some SSD's settings, to be varied."""
    models = write_tiny_zoo(tmp_path_factory.mktemp("zoo")).models
    return cast(Ssd, models[1].postprocessing)


# Few values, so that scores tie and boxes coincide, among any values.
_LOGITS = st.sampled_from([0.0, 1.0, -1.0, 3.0, 8.0, -90.0]) | st.floats(-20, 20, width=32)
_OFFSETS = st.sampled_from([0.0, 1.0, -5.0, 40.0]) | st.floats(-10, 10, width=32)
_PRIOR_NUMBERS = st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.floats(0, 1, width=32)
_RULES = st.fixed_dictionaries(
    {
        "layout": st.sampled_from(["prior_major", "channel_major"]),
        "score_activation": st.sampled_from(["softmax", "sigmoid"]),
        "max_log_size": st.sampled_from([None, 0.5, 4.135166556742356]),
        "clip": st.booleans(),
        "score_threshold": st.sampled_from([0.0, 0.01, 0.05, 0.5]),
        "iou_threshold": st.sampled_from([0.3, 0.45, 0.5, 1.0]),
        "suppress_at_threshold": st.booleans(),
        "candidates_per_class": st.sampled_from([1, 3, 200]),
        "max_detections": st.sampled_from([1, 5, 200]),
    }
)


@st.composite
def heads(draw: st.DrawFn) -> tuple[Array, Array, Array, dict[str, Any]]:
    """Locations, logits and priors in the layout that the drawn rules name: of no prior up to twelve, of one class or several."""
    priors, classes = draw(st.integers(0, 12)), draw(st.integers(2, 5))
    rules = draw(_RULES)
    locations = draw(hnp.arrays(np.float32, (1, priors, 4), elements=_OFFSETS))
    logits = draw(hnp.arrays(np.float32, (1, priors, classes), elements=_LOGITS))
    if draw(st.booleans()):
        logits[..., 1] = 9.0  # every prior is surest of the same class
    boxes = draw(hnp.arrays(np.float32, (priors, 4), elements=_PRIOR_NUMBERS))
    if rules["layout"] == "channel_major":
        locations, logits = locations.swapaxes(1, 2), logits.swapaxes(1, 2)
    return locations, logits, boxes, rules


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=st.lists(heads(), min_size=1, max_size=12))
def test_made_up_heads_give_the_same_detections(
    javascript: JavaScript, plain: Ssd, batch: list[tuple[Array, Array, Array, dict[str, Any]]]
) -> None:
    cases = [
        Case(locations, logits, priors, plain.model_copy(update=rules)) for locations, logits, priors, rules in batch
    ]
    found = javascript("detection.js", DETECT, [case.sent() for case in cases])
    for case, detections in zip(cases, found, strict=True):
        assert_same(detections, case.expected())


def test_boxes_far_outside_the_image_are_the_same(javascript: JavaScript, plain: Ssd) -> None:
    locations = np.array([[[300, -300, 5, 5], [-40, 0, 8, -8], [0, 0, 0, 0]]], np.float32)
    logits = np.array([[[0, 5, 1], [0, 1, 5], [0, 2, 2]]], np.float32)
    priors = np.array([[0.5, 0.5, 0.9, 0.9], [0.1, 0.1, 0.2, 0.2], [1, 1, 1, 1]], np.float32)
    case = Case(locations, logits, priors, plain)
    assert min(min(d.box) for d in case.expected()) < -1
    assert max(max(d.box) for d in case.expected()) > 2
    (found,) = javascript("detection.js", DETECT, [case.sent()])
    assert_same(found, case.expected())


def test_a_limit_of_sizes_keeps_a_box_finite_and_clip_keeps_it_inside(javascript: JavaScript, plain: Ssd) -> None:
    limited = plain.model_copy(update={"max_log_size": 2.0, "clip": True, "score_activation": "sigmoid"})
    huge = Case(
        np.array([[[0, 0, 1e4, 1e4], [-60, 0, 0, 0]]], np.float32),
        np.array([[[9, 3, -500], [9, 500, -2]]], np.float32),
        np.full((2, 4), 0.5, np.float32),
        limited,
    )
    expected = huge.expected()
    assert (expected[0].class_index, expected[0].score) == (1, 1.0)
    assert all(0 <= side <= 1 for d in expected for side in d.box)
    assert [d.box for d in expected if d.prior == 0] == [(0, 0, 1, 1)]
    (found,) = javascript("detection.js", DETECT, [huge.sent()])
    assert_same(found, expected)


@pytest.mark.parametrize("place", ["locations", "logits"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_heads_that_are_not_finite_are_an_error_in_both(
    javascript: JavaScript, plain: Ssd, place: str, value: float
) -> None:
    arrays = {"locations": np.zeros((1, 1, 4), np.float32), "logits": np.zeros((1, 1, 3), np.float32)}
    arrays[place][0, 0, 1] = value
    case = Case(arrays["locations"], arrays["logits"], np.full((1, 4), 0.5, np.float32), plain)
    with pytest.raises(ValueError, match="NaN or infinity"):
        case.expected()
    assert javascript("detection.js", DETECT, [case.sent()]) == ["ZooError"]


def test_boxes_that_overflow_and_shapes_that_do_not_fit_are_errors_in_both(javascript: JavaScript, plain: Ssd) -> None:
    huge = Case(
        np.full((1, 1, 4), 1e4, np.float32), np.zeros((1, 1, 3), np.float32), np.ones((1, 4), np.float32), plain
    )
    misfit = Case(np.zeros((1, 2, 4), np.float32), np.zeros((1, 2, 3), np.float32), np.ones((1, 4), np.float32), plain)
    for case in (huge, misfit):
        with pytest.raises(ValueError, match=r"NaN or infinity|do not fit"):
            case.expected()
    assert javascript("detection.js", DETECT, [huge.sent(), misfit.sent()]) == ["ZooError", "ZooError"]


RECORDED = """async ({detect}, {paths, ssd}) => {
  const {readSafetensors} = await import(new URL('/inputs.js', location.href).href);
  const read = async path => readSafetensors(new Uint8Array(await (await fetch('/models/' + path)).arrayBuffer()), path);
  return detect(await read(paths.outputs), (await read(paths.priors)).priors, ssd);
}"""


@pytest.mark.parametrize("name", [spec.id for spec in CATALOGUE if isinstance(spec.postprocessing, SsdSpec)])
@pytest.mark.parametrize("reference", ["photograph", "noise"])
def test_recorded_heads_of_the_real_detectors_give_the_same_detections(
    javascript_beside: Callable[[Path], JavaScript], real_zoo: Path, name: str, reference: str
) -> None:
    model = cast(ModelEntry, manifest.find(manifest.read(real_zoo), name))
    ssd = cast(Ssd, model.postprocessing)
    outputs = next(entry.path for entry in model.references if entry.name == reference)
    tensors = load_file(real_zoo / outputs)
    expected = Case(
        tensors[ssd.locations_output],
        tensors[ssd.scores_output],
        load_file(real_zoo / ssd.priors.path)["priors"],
        ssd,
    ).expected()
    if reference == "photograph":
        assert len({d.class_index for d in expected}) > 1

    javascript = javascript_beside(real_zoo)
    paths = {"outputs": outputs, "priors": ssd.priors.path}
    assert_same(javascript("detection.js", RECORDED, {"paths": paths, "ssd": ssd.model_dump(mode="json")}), expected)


def assert_same(found: Sequence[dict[str, Any]], expected: Sequence[Detection]) -> None:
    """The same detections in the same order; scores and boxes to the last bit of a float32, or one off."""
    assert [(d["class_index"], d["prior"]) for d in found] == [(d.class_index, d.prior) for d in expected]
    for one, other in zip(found, expected, strict=True):
        ours = np.array([one["score"], *one["box"]], np.float32)
        theirs = np.array([other.score, *other.box], np.float32)
        np.testing.assert_array_max_ulp(ours, theirs, maxulp=1)
