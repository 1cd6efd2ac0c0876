"""Makes builder/data/operators/*.json: what the pinned onnxruntime-web does with each operator. docs/support.md says how.

python -m scripts.operator_tables             ask onnxruntime-web anew, in Node and in Chromium, and write the tables
python -m scripts.operator_tables --check     the same, but only say where the tables differ
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import onnxruntime
import onnxruntime.capi.onnxruntime_pybind11_state as runtime

from builder.errors import ZooError
from scripts.operator_documents import webgl_operators, webnn_operators
from scripts.operator_probes import Probe, limit_probes, probes
from scripts.operator_runners import PACKAGE, ROOT, Answer, in_chromium, in_node, pinned_version
from scripts.operator_values import TYPES
from scripts.webgl_probes import webgl_answers

TABLES = ROOT / "builder" / "data" / "operators"
OLDEST_OPSET = 7  # onnxruntime promises nothing for older ones

# One letter for each element type, so that a combination of types is one word.
LETTERS: Mapping[str, str] = dict(zip(TYPES, "fhdlibu?", strict=True))

_NO_KERNEL = ("Could not find an implementation", "Failed to find kernel", "Provider type for")
_PROVIDERS = {"WebGpuExecutionProvider": "gpu", "CPUExecutionProvider": "cpu"}
Table = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Make builder/data/operators/*.json by asking the pinned onnxruntime-web."
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a table would change")
    check = parser.parse_args().check
    changed = []
    for name, make in TABLES_MADE.items():
        text = as_text(make())
        path = TABLES / f"{name}.json"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            changed.append(name)
            if not check:
                TABLES.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        print(f"{name}: {len(text)} bytes, {'changed' if name in changed else 'as before'}")
    return 1 if check and changed else 0


def wasm_table() -> Table:
    """What the WebAssembly build runs, and the newest opset and IR version that it reads."""
    _check_release()
    opsets, ir_versions = limit_probes()
    newest_opset = max(
        n for n, answer in zip(opsets, in_node(list(opsets.values())), strict=True) if answer.error is None
    )
    newest_ir = max(
        n for n, answer in zip(ir_versions, in_node(list(ir_versions.values())), strict=True) if answer.error is None
    )
    asked = list(probes(range(OLDEST_OPSET, newest_opset + 1)))
    statuses = [_status(probe, answer) for probe, answer in zip(asked, in_node([p.model for p in asked]), strict=True)]
    made_by = "one-node models put to ort.wasm.min.mjs in Node"
    limits: Table = {"oldest_opset": OLDEST_OPSET, "newest_opset": newest_opset, "newest_ir_version": newest_ir}
    return _header(made_by) | limits | {"operators": _entries(asked, statuses)}


def webgpu_table() -> Table:
    """Where the native WebGPU build places each operator."""
    _check_release()
    newest = json.loads((TABLES / "wasm.json").read_text(encoding="utf-8"))["newest_opset"]
    asked = list(probes(range(OLDEST_OPSET, newest + 1)))
    statuses = [
        _status(probe, answer) for probe, answer in zip(asked, in_chromium([p.model for p in asked]), strict=True)
    ]
    made_by = "one-node models put to ort.jspi.min.mjs with its WebGPU provider in Chromium with SwiftShader"
    return _header(made_by) | {"operators": _entries(asked, statuses)}


def webgl_table() -> Table:
    """Opsets by the published document, and what became of each operator when it was run."""
    documented = webgl_operators(ROOT / PACKAGE / "docs" / "webgl-operators.md")
    newest = json.loads((TABLES / "wasm.json").read_text(encoding="utf-8"))["newest_opset"]
    answers = webgl_answers(documented, range(OLDEST_OPSET, newest + 1))
    made_by = (
        f"{PACKAGE}/docs/webgl-operators.md, and float32 networks of one operator run by ort.webgl.min.mjs in Chromium"
    )
    operators = {name: {"opsets": opsets, "tried": answers.get(name, {})} for name, opsets in documented.items()}
    return _header(made_by) | {"operators": operators}


def webnn_table() -> Table:
    """Opsets by the published document, and what can be read of its remarks."""
    documented = webnn_operators(ROOT / PACKAGE / "docs" / "webnn-operators.md")
    operators = {}
    for name, row in documented.items():
        places = _input_places(name)
        constant = [places[i] for i in row.constant_inputs if i in places]
        operators[name] = {"opsets": row.opsets, "ranks": row.ranks, "constant_inputs": constant, "remark": row.remark}
    return _header(f"{PACKAGE}/docs/webnn-operators.md") | {"operators": operators}


TABLES_MADE: Mapping[str, Callable[[], Table]] = {
    "wasm": wasm_table,
    "webgpu": webgpu_table,
    "webgl": webgl_table,
    "webnn": webnn_table,
}


def as_text(table: Table) -> str:
    """The table as its file holds it: compact, with one line for each operator."""
    head = {key: value for key, value in table.items() if key != "operators"}
    lines = [
        f"{json.dumps(name)}:{json.dumps(entry, separators=(',', ':'))}" for name, entry in table["operators"].items()
    ]
    return json.dumps(head)[:-1] + ', "operators": {\n' + ",\n".join(lines) + "\n}}\n"


def _header(made_by: str) -> Table:
    letters = {letter: name for name, letter in LETTERS.items()}
    return {"onnxruntime_web": pinned_version(), "made_by": f"scripts/operator_tables.py: {made_by}", "types": letters}


def _status(probe: Probe, answer: Answer) -> str | None:
    """One of "cpu", "gpu" or "none"; None where the probe was no valid question, which leaves it unknown."""
    if answer.error is not None:
        return "none" if any(sign in answer.error for sign in _NO_KERNEL) else None
    if not answer.placement:
        return "cpu"  # WebAssembly has one provider, and Node's log is not read
    name = probe.operator.rpartition(":")[2]
    for provider, operators in answer.placement.items():
        if name in operators or len(answer.placement) == 1:
            return _PROVIDERS[provider]
    # The node was replaced by the operators that define it, and some of them are on either side.
    return "cpu"


def _entries(asked: Sequence[Probe], statuses: Sequence[str | None]) -> dict[str, dict[str, dict[str, Any]]]:
    entries: dict[str, dict[str, dict[str, Any]]] = {}
    for probe, status in zip(asked, statuses, strict=True):
        entry = entries.setdefault(probe.operator, {}).setdefault(
            str(probe.since_version), {"typed_by": [place for place, _ in probe.types]}
        )
        if status is not None:
            entry.setdefault(status, []).append("".join(LETTERS[kind] for _, kind in probe.types))
    return {
        operator: {
            version: {k: v if k == "typed_by" else " ".join(v) for k, v in entry.items()}
            for version, entry in versions.items()
        }
        for operator, versions in entries.items()
    }


def _input_places(operator: str) -> dict[str, int]:
    """The places of an operator's inputs by their names, in its newest version."""
    domain, _, name = operator.rpartition(":")
    schemas = [s for s in runtime.get_all_operator_schema() if (s.domain, s.name) == (domain, name)]
    newest = max(schemas, key=lambda s: s.since_version, default=None)
    return {} if newest is None else {parameter.name: place for place, parameter in enumerate(newest.inputs)}


def _check_release() -> None:
    """The schemas come from the installed onnxruntime; they must be those of the pinned onnxruntime-web."""
    if onnxruntime.__version__ != pinned_version():
        raise ZooError(
            "the installed onnxruntime is another release than the pinned onnxruntime-web",
            got=onnxruntime.__version__,
            expected=pinned_version(),
            next_step="pin both to one release in requirements.in and package.json",
        )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ZooError as error:
        sys.exit(f"error: {error}")
