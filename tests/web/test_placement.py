"""web/runtimes/ort_placement.js reads where onnxruntime-web placed nodes, or says that it cannot."""

from __future__ import annotations

import pytest

from tests.support.javascript import JavaScript

READ = "({readPlacement}, log) => readPlacement(log)"


def line(said: str) -> str:
    return f"2026-11-21 13:54:08.679294 [V:onnxruntime:, session_state.cc:1385 VerifyEachNodeIsAssignedToAnEp] {said}"


HEAD = line("Node placements")
ALL_ON_THE_CPU = [HEAD, line(" All nodes placed on [CPUExecutionProvider]. Number of nodes: 30")]
# As onnxruntime-web 1.30.0 printed it, with nodes of subgraphs.
MIXED = [
    "2026-11-21 13:54:08.677 [I:onnxruntime:, inference_session.cc:2610 Initialize] Initializing session.",
    HEAD,
    line(" Node(s) placed on [CPUExecutionProvider]. Number of nodes: 4"),
    line("  Round (else_round)"),
    line("  NonZero (then_nz)"),
    line("  Loop ()"),
    line("  NonZero (a name (with brackets))"),
    line(" Node(s) placed on [WebGpuExecutionProvider]. Number of nodes: 2"),
    line("  Relu (r)"),
    line("  MemcpyToHost (Memcpy_token_0)"),
    "\x1b[0;93m2026-11-21 13:54:08.687339 [W:onnxruntime:, session_state.cc:1397 VerifyEachNodeIsAssignedToAnEp] Some nodes were not assigned to the preferred execution providers",
]


def test_nodes_are_counted_by_backend_and_operator(javascript: JavaScript) -> None:
    assert javascript("runtimes/ort_placement.js", READ, MIXED) == {
        "wasm": {"Round": 1, "NonZero": 2, "Loop": 1},
        "webgpu": {"Relu": 1, "MemcpyToHost": 1},
    }


def test_where_all_are_in_one_place_their_number_is_known_and_no_more(javascript: JavaScript) -> None:
    assert javascript("runtimes/ort_placement.js", READ, ALL_ON_THE_CPU) == {"wasm": {"*": 30}}


@pytest.mark.parametrize(
    "log",
    [
        [],
        [HEAD],
        [HEAD, line(" All nodes placed on [JsExecutionProvider]. Number of nodes: 3")],
        MIXED[:-2],
        [MIXED[1], *MIXED[3:]],
        [text.replace("Relu (r)", "Relu [r]") for text in MIXED],
        [*MIXED, *MIXED],
    ],
    ids=["nothing", "a heading", "another provider", "a node is missing", "no provider", "another form", "twice"],
)
def test_a_log_that_cannot_be_read_is_no_placement(javascript: JavaScript, log: list[str]) -> None:
    assert javascript("runtimes/ort_placement.js", READ, log) is None
