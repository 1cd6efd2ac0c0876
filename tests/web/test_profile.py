"""web/profile_events.js makes times of the runtime's events; web/profile_csv.js and web/profile_chart.js show them."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from tests.support.javascript import JavaScript, close

READ = "({readProfile}, [lines, asked]) => readProfile(lines, asked)"
REFUSED = """({readProfile}, [lines, asked]) => {
  try { return readProfile(lines, asked); } catch (error) { return error.message; }
}"""


def run_event(ts: int, dur: int) -> dict[str, Any]:
    return {"cat": "Session", "pid": 42, "tid": 7, "dur": dur, "ts": ts, "ph": "X", "name": "model_run", "args": {}}


def node_event(ts: int, dur: int, name: str, operator: str, index: int, provider: str = "CPU") -> dict[str, Any]:
    args = {
        "provider": f"{provider}ExecutionProvider",
        "op_name": operator,
        "node_index": str(index),
        "input_type_shape": [{"float": [1, 3, 8, 8]}, {"float": []}],
    }
    common = {"cat": "Node", "pid": 42, "tid": 7, "ph": "X"}
    return {**common, "dur": dur, "ts": ts, "name": f"{name}_kernel_time", "args": args}


def kernel_event(ts: int, dur: int, name: str) -> dict[str, Any]:
    return {"cat": "Api", "pid": -1, "tid": -1, "dur": dur, "ts": ts, "ph": "X", "name": name, "args": {"shapes": ""}}


def printed(*events: dict[str, Any]) -> list[str]:
    """As onnxruntime 1.30 prints them, a line an event between brackets."""
    lines = [json.dumps(event) for event in events]
    return ["[", *(f"{line}," for line in lines[:-1]), lines[-1], "]"]


# A warm-up and two inferences of two nodes, in microseconds; the runtime prints an inference's own event after its nodes'.
PROCESSOR = printed(
    {"cat": "Session", "dur": 9000, "ts": 0, "name": "session_initialization", "args": {}},
    node_event(10_000, 5000, "c", "FusedConv", 0),
    node_event(15_100, 900, "", "Gemm", 1),
    run_event(10_000, 7000),
    node_event(20_000, 2000, "c", "FusedConv", 0),
    node_event(22_100, 500, "", "Gemm", 1),
    run_event(19_900, 3000),
    node_event(30_000, 4000, "c", "FusedConv", 0),
    node_event(34_100, 1500, "", "Gemm", 1),
    run_event(30_000, 6000),
)


def read(javascript: JavaScript, lines: list[str], backend: str = "wasm", warmup: int = 1) -> dict[str, Any]:
    times: dict[str, Any] = javascript("profile_events.js", READ, [lines, {"backend": backend, "warmup": warmup}])
    return times


def test_nodes_and_operators_get_their_times_without_the_warm_up(javascript: JavaScript) -> None:
    times = read(javascript, PROCESSOR)
    assert (times["clock"], times["iterations"], times["inference_ms"], times["nodes_ms"]) == ("processor", 2, 4.5, 4)
    first, second = times["nodes"]
    assert (first["node"], first["operator"], first["durations_ms"], first["median_ms"]) == (
        "c",
        "FusedConv",
        [2, 4],
        3,
    )
    assert (second["node"], second["operator"], second["durations_ms"]) == ("", "Gemm", [0.5, 1.5])
    assert (first["share"], second["share"]) == (0.75, 0.25)
    assert first["inputs"] == "1\N{MULTIPLICATION SIGN}3\N{MULTIPLICATION SIGN}8\N{MULTIPLICATION SIGN}8, scalar"
    assert [(one["operator"], one["nodes"], one["sum_ms"], one["share"]) for one in times["operators"]] == [
        ("FusedConv", 1, 3, 0.75),
        ("Gemm", 1, 1, 0.25),
    ]


def test_operators_are_summed_over_their_nodes_and_the_greatest_comes_first(javascript: JavaScript) -> None:
    lines = printed(
        run_event(0, 100_000),
        node_event(0, 30_000, "m", "MatMul", 0),
        node_event(30_000, 20_000, "a", "Add", 1),
        node_event(50_000, 20_000, "b", "Add", 2),
    )
    times = read(javascript, lines, warmup=0)
    assert [(one["operator"], one["nodes"], one["sum_ms"]) for one in times["operators"]] == [
        ("Add", 2, 40),
        ("MatMul", 1, 30),
    ]
    assert [one["node"] for one in times["nodes"]] == ["m", "a", "b"]


def test_what_runs_inside_a_loop_is_taken_off_the_loops_time(javascript: JavaScript) -> None:
    lines = printed(
        run_event(0, 11_000),
        node_event(100, 2000, "body", "Mul", 0),
        node_event(2200, 3000, "body", "Mul", 0),
        node_event(50, 6000, "loop", "Loop", 0),
        node_event(6050, 1000, "after", "Relu", 1),
    )
    times = read(javascript, lines, warmup=0)
    assert [(one["node"], one["median_ms"], one["calls"]) for one in times["nodes"]] == [
        ("body", 5, 2),
        ("loop", 1, 1),
        ("after", 1, 1),
    ]
    assert times["nodes_ms"] == 7


# On WebGPU a node's own event is the time to hand its kernels over; the clock of the kernels begins elsewhere.
GPU = printed(
    node_event(10, 3, "c", "Conv", 0, "WebGpu"),
    node_event(15, 4, "", "MemcpyToHost", 3, "WebGpu"),
    node_event(20, 1000, "r", "Round", 1),
    run_event(0, 9000),
    node_event(10_010, 3, "c", "Conv", 0, "WebGpu"),
    node_event(10_015, 4, "", "MemcpyToHost", 3, "WebGpu"),
    node_event(10_020, 2000, "r", "Round", 1),
    run_event(10_000, 8000),
    kernel_event(500_000, 700, "c&Conv&Transpose"),
    kernel_event(500_700, 4000, "c&Conv&MatMul"),
    kernel_event(504_700, 10, "a&b&Add&Add"),
    kernel_event(600_000, 900, "c&Conv&Transpose"),
    kernel_event(600_900, 3000, "c&Conv&MatMul"),
    kernel_event(604_700, 30, "a&b&Add&Add"),
)


def test_on_webgpu_the_gpus_clock_counts_and_the_processors_for_what_fell_back(javascript: JavaScript) -> None:
    times = read(javascript, GPU, backend="webgpu", warmup=0)
    assert times["clock"] == "gpu"
    found = [(one["node"], one["operator"], one["backend"], one["durations_ms"]) for one in times["nodes"]]
    assert found[0][:3] == ("c", "Conv", "webgpu")
    assert [close(a, b) for a, b in zip(found[0][3], [4.7, 3.9], strict=True)] == [True, True]
    assert found[1:] == [("r", "Round", "wasm", [1, 2]), ("a&b", "Add", "webgpu", [0.01, 0.03])]
    assert times["inference_ms"] == 8.5
    assert read(javascript, GPU, backend="webgpu", warmup=1)["nodes"][1]["durations_ms"] == [2]


def test_kernels_whose_number_changes_are_shared_out_evenly(javascript: JavaScript) -> None:
    lines = printed(
        run_event(0, 9000),
        run_event(10_000, 8000),
        *(kernel_event(500_000 + 1000 * k, 1000, "l&Loop&Add") for k in range(3)),
    )
    assert read(javascript, lines, backend="webgpu", warmup=0)["nodes"][0]["durations_ms"] == [1.5, 1.5]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "0 inferences"),
        (["[", "]"], "0 inferences"),
        (printed(run_event(0, 5)), "1 inferences"),
        (printed(run_event(0, 5), run_event(9, 5)), "no operator"),
        (["[", '{"cat": "Node", "name": }', "]"], "the line"),
        (["[", "Maximum number of events reached", "]"], "Maximum number of events reached"),
    ],
    ids=["nothing", "no event", "only a warm-up", "no node", "no JSON", "another line"],
)
def test_events_that_tell_nothing_are_refused(javascript: JavaScript, lines: list[str], said: str) -> None:
    message = javascript("profile_events.js", REFUSED, [lines, {"backend": "wasm", "warmup": 1}])
    assert message.startswith("The runtime's profile cannot be read. Got: ")
    assert said in message
    assert "Next: " in message


def test_the_csv_has_a_line_per_node_and_no_formula(javascript: JavaScript) -> None:
    node = {"operator": "Conv", "backend": "wasm", "inputs": "1, 2", "calls": 1, "median_ms": 2.5, "share": 0.5}
    nodes = [{**node, "node": '=1+"1"'}, {**node, "node": "a,b"}]
    whole = {
        "profiled_at": "2026-11-21T00:00:00Z", "model": "m", "variant": "fp32", "model_sha256": "00", "backend": "wasm",
        "threads": 2, "browser": "B", "browser_version": "1", "runtime": "r", "runtime_version": "1.30.0",
        "clock": "processor", "iterations": 10, "inference_ms": 5.25,
    }  # fmt: skip
    text = javascript("profile_csv.js", "({profileCsv}, profile) => profileCsv(profile)", {**whole, "nodes": nodes})
    assert text.endswith("\r\n")
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["node"] for line in lines] == ['\'=1+"1"', "a,b"]
    assert lines[0] == {
        **{name: str(value) for name, value in whole.items()},
        **{"node": '\'=1+"1"', "operator": "Conv", "ran_on": "wasm", "inputs": "1, 2", "calls": "1"},
        **{"median_ms": "2.5", "share": "0.5"},
    }


def test_the_bar_has_seven_parts_at_most_and_loses_nothing(javascript: JavaScript) -> None:
    def slices(count: int) -> list[dict[str, Any]]:
        total = count * (count + 1) / 2
        operators = [
            {"operator": f"O{n}", "backend": "wasm", "nodes": 1, "sum_ms": n, "share": n / total}
            for n in range(count, 0, -1)
        ]
        found: list[dict[str, Any]] = javascript("profile_chart.js", "({slicesOf}, all) => slicesOf(all)", operators)
        return found

    assert [one["name"] for one in slices(7)] == ["O7", "O6", "O5", "O4", "O3", "O2", "O1"]
    many = slices(10)
    assert [one["name"] for one in many] == ["O10", "O9", "O8", "O7", "O6", "O5", "4 others"]
    assert many[-1]["ms"] == 1 + 2 + 3 + 4
    assert close(sum(one["share"] for one in many), 1)
