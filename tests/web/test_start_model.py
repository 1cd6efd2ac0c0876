"""web/runtimes/start_model.js: the smallest model that starts the runtime, made here anew."""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper

from tests.support.javascript import JavaScript


def test_it_is_one_relu_over_one_number(javascript: JavaScript) -> None:
    number = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1]) for name in ("x", "y")
    }  # one in, one out
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "start", [number["x"]], [number["y"]])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    shipped = javascript("runtimes/start_model.js", "({startModel}) => [...startModel()]")
    assert bytes(shipped) == model.SerializeToString(deterministic=True)
