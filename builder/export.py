"""From a PyTorch network to an ONNX model without a trace of the machine that made it."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator

import onnx
import torch
from torch import nn

from builder.errors import ZooError
from builder.spec import ModelSpec

# 18 is what the exporter's own function library is written in; nothing is converted afterwards. Anything from 17 to 20 runs in
# onnxruntime-web; from 22 on RoiAlign has no CPU kernel and WebGPU loses pooling to the CPU.
OPSET = 18
_PRODUCER = "browser-zoo"


def export(network: nn.Module, spec: ModelSpec) -> onnx.ModelProto:
    """The network as one self-contained ONNX model with the spec's input and output names. Raises ZooError when it cannot be captured."""
    try:
        with _quiet():
            program = torch.onnx.export(
                network.eval(),
                (torch.zeros(spec.input.shape),),
                dynamo=True,
                opset_version=OPSET,
                input_names=[spec.input.name],
                output_names=[o.name for o in spec.outputs],
                external_data=False,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        raise ZooError(
            "the network cannot be exported",
            got=str(error).strip().splitlines()[0],
            expected=f"a graph that torch.export captures and opset {OPSET} can express",
            next_step="look for control flow that depends on data, or an operator without an ONNX form",
        ) from error
    assert program is not None
    model = program.model_proto
    clean(model)
    return model


def clean(model: onnx.ModelProto) -> None:
    """Remove what tells of the machine and the moment: the exporter writes absolute source paths into nodes and values."""
    model.producer_name, model.producer_version = _PRODUCER, ""
    model.domain, model.doc_string = "", ""
    graph = model.graph
    graph.name, graph.doc_string = "main", ""
    del model.metadata_props[:]
    del graph.metadata_props[:]
    del graph.value_info[:]  # shapes in between can be inferred again
    for part in (*graph.node, *graph.input, *graph.output, *graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's progress lines and deprecation notices of its own internals away from our output; errors still raise."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
