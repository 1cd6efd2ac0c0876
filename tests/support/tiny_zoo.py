"""Three models of a few bytes, in a folder laid out as the builder lays it out, for tests of everything that reads that folder.

All copy their input to their outputs, in order, so that a real onnxruntime and web/runtimes/fake.js (which echoes) give the same.
The ONNX files are real and run; "echo" is a classifier, "echo_ssd" a detector of 6 priors and 3 classes, and "echo_boxes" a detector
that gives its detections itself: three for the first reference, none for the blank image. The inputs of the first two are made of the
shipped photograph, so that the whole way from its pixels can be taken; that of the third is made up, and is no image's.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from safetensors.numpy import save

from builder import manifest
from builder.files import sha256_of, write_bytes
from builder.preprocess import photograph_tensor
from builder.records import (
    BackendSupport,
    Blocker,
    Boxes,
    FileEntry,
    InputEntry,
    Manifest,
    ModelEntry,
    OutputEntry,
    Postprocessing,
    Preprocessing,
    ReferenceEntry,
    Ssd,
    Task,
    Tolerance,
    TopK,
    VariantEntry,
    WeightsEntry,
)
from builder.verify import verify
from tests.support.tiny_graphs import IR_VERSION, OPSET, Shapes, copying_graph, dtype_of, echo

ECHO_OUTPUTS: Shapes = {"logits": (1, 48)}
ECHO_INPUT = (1, 3, 4, 4)
SSD_OUTPUTS: Shapes = {"locations": (1, 6, 4), "scores": (1, 6, 3)}
SSD_INPUT = (1, 3, 2, 7)
BOXES_OUTPUTS: Shapes = {"boxes": (None, 4), "labels": (None,), "scores": (None,)}
PREPROCESSING = Preprocessing(
    resize="stretch",
    size=None,
    interpolation="bilinear",
    divisor=255.0,
    mean=(0.485, 0.456, 0.406),
    std=(0.05, 0.04, 0.03),
)
PRIORS = np.array(
    [
        [0.25, 0.25, 0.2, 0.2],
        [0.75, 0.25, 0.2, 0.2],
        [0.25, 0.75, 0.2, 0.2],
        [0.75, 0.75, 0.2, 0.2],
        [0.50, 0.50, 0.4, 0.4],
        [0.50, 0.50, 0.9, 0.9],
    ],
    dtype=np.float32,
)
# Boxes, labels and scores. Two of the three overlap so much that only the greater overlap tells which is whose partner.
FOUND = np.concatenate(
    [
        np.ravel([[0.25, 0.5, 2.25, 3.5], [0.25, 0.5, 2.25, 3.52], [1.0, 0.0, 4.0, 1.5]]),
        [1, 1, 3],
        [0.875, 0.8748, 0.25],
    ]
)


def write_tiny_zoo(folder: Path) -> Manifest:
    """Write the models and the manifest into `folder`; return the manifest."""
    echo_input, ssd_input = (photograph_tensor(_input(shape, PREPROCESSING)) for shape in (ECHO_INPUT, SSD_INPUT))
    boxes_input = np.zeros(ECHO_INPUT, np.float32)
    boxes_input.ravel()[: 1 + len(FOUND)] = [3, *FOUND]
    boxes = Boxes(kind="boxes", boxes_output="boxes", labels_output="labels", scores_output="scores")
    both = {"photograph": boxes_input, "blank": np.zeros(ECHO_INPUT, np.float32)}
    top_5 = TopK(kind="top_k", k=5)
    models = (
        _write_model(
            folder, "echo", "Echo", "classification", {"photograph": echo_input}, ECHO_OUTPUTS, top_5, classes=48
        ),
        _write_model(
            folder,
            "echo_ssd",
            "Echo SSD",
            "detection",
            {"photograph": ssd_input},
            SSD_OUTPUTS,
            _ssd(folder),
            classes=3,
        ),
        _write_model(folder, "echo_boxes", "Echo boxes", "detection", both, BOXES_OUTPUTS, boxes, classes=4),
    )
    whole = Manifest(schema_version=2, models=models)
    manifest.write(folder, whole)
    return whole


def _ssd(folder: Path) -> Ssd:
    return Ssd(
        kind="ssd",
        priors=_file(folder, "echo_ssd/priors.safetensors", save({"priors": PRIORS})),
        locations_output="locations",
        scores_output="scores",
        layout="prior_major",
        centre_variance=0.1,
        size_variance=0.2,
        score_activation="softmax",
        max_log_size=None,
        clip=False,
        score_threshold=0.05,
        iou_threshold=0.5,
        suppress_at_threshold=True,
        candidates_per_class=200,
        max_detections=200,
    )


def _write_model(
    folder: Path,
    model_id: str,
    title: str,
    task: Task,
    inputs: Mapping[str, NDArray[np.float32]],
    outputs: Shapes,
    postprocessing: Postprocessing,
    *,
    classes: int,
) -> ModelEntry:
    """`inputs` by the names of the references that they make."""
    shape = inputs["photograph"].shape
    preprocessing = None if isinstance(postprocessing, Boxes) else PREPROCESSING
    labels = json.dumps([f"class {i}" for i in range(classes)]).encode()
    return ModelEntry(
        id=model_id,
        title=title,
        task=task,
        input=_input(shape, preprocessing),
        outputs=tuple(
            OutputEntry(name=n, shape=s, dtype="int64" if dtype_of(n) is np.int64 else "float32")
            for n, s in outputs.items()
        ),
        labels=_file(folder, f"{model_id}/labels.json", labels),
        postprocessing=postprocessing,
        parameters=shape[2] * shape[3],
        weights=WeightsEntry(
            kind="seeded",
            origin="none: the graph only copies",
            sha256=None,
            bytes=None,
            licence="MIT",
            citation="this project",
        ),
        reference_runtime="numpy: a copy",
        references=tuple(
            _reference(folder, f"{model_id}/{name}.safetensors", name, data, outputs) for name, data in inputs.items()
        ),
        variants=(_variant(folder, f"{model_id}/fp32.onnx", inputs, outputs, postprocessing),),
        build_key="0" * 64,
        build_seconds=0.25,
        tools={"onnx": onnx.__version__, "onnxruntime-web": "1.30.0"},
    )


def _input(shape: tuple[int, ...], preprocessing: Preprocessing | None) -> InputEntry:
    return InputEntry(name="input", shape=shape, dtype="float32", preprocessing=preprocessing)


def _reference(folder: Path, path: str, name: str, data: NDArray[np.float32], outputs: Shapes) -> ReferenceEntry:
    tensors = {"input": data, **echo(data, outputs)}
    return ReferenceEntry(name=name, **_file(folder, path, save(tensors)).model_dump())


def _variant(
    folder: Path,
    path: str,
    inputs: Mapping[str, NDArray[np.float32]],
    outputs: Shapes,
    postprocessing: Postprocessing,
) -> VariantEntry:
    graph = copying_graph(inputs["photograph"].shape, outputs)
    operators = dict(sorted(Counter(node.op_type for node in onnx.load_from_string(graph).graph.node).items()))
    tolerances = tuple(Tolerance(output=n, atol=1e-5, rtol=1e-4, reason="a copy is exact") for n in outputs)
    copies = {name: echo(data, outputs) for name, data in inputs.items()}
    return VariantEntry(
        name="fp32",
        opset=OPSET,
        ir_version=IR_VERSION,
        operators=operators,
        macs=0,
        support=_support(operators),
        observations=(),
        tolerances=tolerances,
        verifications=tuple(
            verify(copy, copy, tolerances, postprocessing, PRIORS, reference=name, runtime="onnxruntime")
            for name, copy in copies.items()
        ),
        **_file(folder, path, graph).model_dump(),
    )


def _support(operators: Mapping[str, int]) -> tuple[BackendSupport, ...]:
    """One backend that runs the graph, one that leaves sums of int64 to WebAssembly, two that stop at its first operator."""
    sums = {name: count for name, count in operators.items() if name in ("Add", "Mul")}
    first, count = next(iter(operators.items()))
    blocker = Blocker(operator=first, count=count, reason="it has no kernel for this operator")
    return (
        BackendSupport(backend="wasm", status="runs", fallback={}, blockers=(), caveats=()),
        BackendSupport(
            backend="webgpu", status="falls_back" if sums else "runs", fallback=sums, blockers=(), caveats=()
        ),
        BackendSupport(backend="webgl", status="stops", fallback={}, blockers=(blocker,), caveats=()),
        BackendSupport(backend="webnn", status="stops", fallback={}, blockers=(blocker,), caveats=()),
    )


def _file(folder: Path, path: str, content: bytes) -> FileEntry:
    write_bytes(folder / path, content)
    return FileEntry(path=path, sha256=sha256_of(folder / path), bytes=len(content))
