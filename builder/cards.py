"""Model cards: what there is to know of one model, as Markdown made from its manifest entry. The same entry gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from builder.records import (
    Boxes,
    ModelEntry,
    OutputVerification,
    Postprocessing,
    Preprocessing,
    Ssd,
    SupportStatus,
    TaskVerification,
    TopK,
    VariantEntry,
    Verification,
)

FILE_NAME = "card.md"

_STATUS: dict[SupportStatus, str] = {
    "runs": "runs",
    "falls_back": "runs, some nodes in WebAssembly",
    "stops": "does not run",
}
_SEEDED = (
    "**These weights are seeded random numbers, calibrated so that every layer computes with numbers of a sensible scale. "
    "Timings are real; predictions mean nothing.**"
)


def card(entry: ModelEntry) -> str:
    """The model card."""
    sections = (
        _head(entry),
        _input(entry),
        _outputs(entry),
        _weights(entry),
        _files(entry),
        _support(entry),
        _verification(entry),
        _running(entry),
        _made_with(entry),
    )
    return "\n\n".join(part for section in sections for part in section) + "\n"


def _head(entry: ModelEntry) -> list[str]:
    summary = (
        f"`{entry.id}`: {entry.task}. {entry.parameters:,} parameters, {_giga(entry.variants[0].macs)} multiply-accumulates "
        f"an inference, {_megabytes(entry.variants[0].bytes)} as {entry.variants[0].name}."
    )
    return [f"# {_text(entry.title)}", summary, *([_SEEDED] if entry.weights.kind == "seeded" else [])]


def _input(entry: ModelEntry) -> list[str]:
    given = entry.input
    shape = f"`{_text(given.name)}`: {given.dtype}, {_dimensions(given.shape)}."
    if given.preprocessing is None:
        return ["## Input", f"{shape} It is no image; the references feed it standard normal noise."]
    return ["## Input", f"{shape} {preprocessing_in_words(given.preprocessing, given.shape)}"]


def preprocessing_in_words(rule: Preprocessing, shape: Sequence[int]) -> str:
    """From an RGB image to the input tensor, in words."""
    height, width = shape[-2:]
    if rule.resize == "stretch":
        resized = f"stretched to {width} x {height} pixels whatever its proportions"
    else:
        resized = (
            f"resized so that its shorter side has {rule.size} pixels, its centre of {width} x {height} pixels cut out"
        )
    mean, std = (_triple(numbers) for numbers in (rule.mean, rule.std))
    return (
        f"An RGB image of 8 bits a channel, {resized} ({rule.interpolation}, antialiased), channels first; "
        f"value = (pixel / {rule.divisor:g} - mean) / std with mean {mean} and std {std}."
    )


def _outputs(entry: ModelEntry) -> list[str]:
    rows = [(f"`{_text(o.name)}`", o.dtype, _dimensions(o.shape)) for o in entry.outputs]
    labels = (
        "Nothing is known of what these numbers mean."
        if entry.task == "other"
        else f"Class names, in the order of the classes: [`labels.json`]({_beside(entry.labels.path)})."
    )
    return [
        "## Outputs",
        _table(("output", "type", "shape"), rows),
        f"{postprocessing_in_words(entry.postprocessing)} {labels}",
    ]


def postprocessing_in_words(rule: Postprocessing) -> str:
    """What the outputs have to go through before a person can read them."""
    if isinstance(rule, TopK):
        return f"The {rule.k} greatest logits are the answer, the lower class first where two are equal."
    if isinstance(rule, Ssd):
        activation = "softmax over the classes" if rule.score_activation == "softmax" else "the sigmoid of each"
        overlap = f"of {rule.iou_threshold:g} or more" if rule.suppress_at_threshold else f"over {rule.iou_threshold:g}"
        limit = "" if rule.max_log_size is None else f", size offsets at most {rule.max_log_size:g}"
        cut = ", cut to the image" if rule.clip else ""
        return (
            f"Scores are {activation}; class 0 is the background. Boxes are offsets from the prior boxes in "
            f"[`{_beside(rule.priors.path)}`]({_beside(rule.priors.path)}), with variances {rule.centre_variance:g} and "
            f"{rule.size_variance:g}{limit}{cut}. Kept are scores over {rule.score_threshold:g}, at most {rule.candidates_per_class} a class, "
            f"less those that overlap a better one by an IoU {overlap}, "
            f"and of these the best {rule.max_detections}."
        )
    if isinstance(rule, Boxes):
        return (
            f"The graph gives detections: `{rule.boxes_output}` in pixels of the input (left, top, right, bottom), "
            f"`{rule.labels_output}` and `{rule.scores_output}`, one row each; there may be none."
        )
    return "The outputs are compared number by number."


def _weights(entry: ModelEntry) -> list[str]:
    weights = entry.weights
    rows = [
        ("kind", weights.kind),
        ("source", _text(weights.origin)),
        ("bytes", "none" if weights.bytes is None else f"{weights.bytes:,}"),
        ("sha256", f"`{weights.sha256}`" if weights.sha256 else "none"),
        ("licence", _text(weights.licence)),
        ("citation", _text(weights.citation)),
    ]
    return ["## Weights", _table(("what", "value"), rows)]


def _files(entry: ModelEntry) -> list[str]:
    rows = [(f"`{_beside(f.path)}`", f"{f.bytes:,}", f"`{f.sha256}`") for f in entry.files()]
    parts = ["## Files", _table(("file", "bytes", "sha256"), rows)]
    graphs = [
        (v.name, str(v.opset), str(v.ir_version), f"{entry.parameters:,}", f"{v.macs:,}", _counts(v.operators))
        for v in entry.variants
    ]
    return [*parts, _table(("variant", "opset", "IR", "parameters", "MACs", "operators"), graphs)]


def _support(entry: ModelEntry) -> list[str]:
    rows = []
    for variant in entry.variants:
        for support in variant.support:
            why = "; ".join(
                _text(f"{b.count} x {b.operator}: {b.reason}" if b.operator else b.reason) for b in support.blockers
            )
            reasons = [why or _counts(support.fallback), *(_text(caveat) for caveat in support.caveats)]
            rows.append(
                (
                    variant.name,
                    support.backend,
                    _STATUS[support.status],
                    " ".join(reason for reason in reasons if reason),
                    _seen(variant, support.backend),
                )
            )
    if not rows:
        return ["## Where it runs", "Nothing is predicted for this file."]
    header = ("variant", "backend", "predicted", "why, or which nodes run in WebAssembly", "observed")
    return ["## Where it runs", "In the pinned onnxruntime-web.", _table(header, rows)]


def _seen(variant: VariantEntry, backend: str) -> str:
    seen = [
        f"{o.browser} {o.browser_version}: {_STATUS[o.status]}"
        + ("" if o.verification is None else ", outputs agree" if o.verification.passed else ", **outputs differ**")
        + (f" ({o.message})" if o.message else "")
        for o in variant.observations
        if o.backend == backend
    ]
    return _text("; ".join(seen)) or "not yet tried"


def _verification(entry: ModelEntry) -> list[str]:
    rows = []
    for variant in entry.variants:
        proofs: list[Verification] = [
            *variant.verifications,
            *(o.verification for o in variant.observations if o.verification),
        ]
        for proof in proofs:
            rows += [
                (variant.name, _text(proof.runtime), proof.reference, *_compared(output), _measured(proof.task))
                for output in proof.outputs
            ]
    header = (
        *("variant", "runtime", "reference", "output", "greatest difference", "relative", "of the tolerance"),
        *("tolerance", "task's own measure"),
    )
    reasons = {
        f"- {v.name}, `{_text(t.output)}`: {t.atol:g} + {t.rtol:g} x |reference|: {_text(t.reason)}."
        for v in entry.variants
        for t in v.tolerances
    }
    return [
        "## Verification",
        f"The reference is {_text(entry.reference_runtime)}.",
        _table(header, rows),
        "Tolerances:",
        "\n".join(sorted(reasons)),
    ]


def _compared(output: OutputVerification) -> tuple[str, ...]:
    numbers = (
        ("none", "none", "cannot be compared")
        if output.max_abs_diff is None or output.max_rel_diff is None or output.tolerance_used is None
        else (f"{output.max_abs_diff:.3g}", f"{output.max_rel_diff:.3g}", f"{output.tolerance_used:.1%}")
    )
    return (f"`{_text(output.output)}`", *numbers, f"{output.atol:g} + {output.rtol:g} x")


def _measured(task: TaskVerification) -> str:
    what = {"top_5": "places", "detections": "detections", "elements": "numbers"}[task.measure]
    return f"{task.matched:,} of {task.expected:,} {what} agree"


def _running(entry: ModelEntry) -> list[str]:
    version = entry.tools.get("onnxruntime-web", "")
    package = f"onnxruntime-web@{version}" if version else "onnxruntime-web"
    shape = json.dumps(list(entry.input.shape))
    filled = "an image as the input's section says" if entry.input.preprocessing else "numbers of yours"
    code = [
        'import * as ort from "onnxruntime-web/wasm";',
        f"const session = await ort.InferenceSession.create({json.dumps(_beside(entry.variants[0].path))}, "
        '{ executionProviders: ["wasm"] });',
        f'const input = new ort.Tensor("float32", new Float32Array({" * ".join(map(str, entry.input.shape))}), {shape});',
        f"// fill input.data with {filled}",
        f"const outputs = await session.run({{ {json.dumps(entry.input.name)}: input }});",
        "for (const [name, tensor] of Object.entries(outputs)) console.log(name, tensor.dims, tensor.data);",
    ]
    where = f"With `npm install {package}`, and the ONNX file beside the page:"
    return ["## Running it", where, "```js\n" + "\n".join(code) + "\n```"]


def _made_with(entry: ModelEntry) -> list[str]:
    versions = ", ".join(f"{name} {entry.tools[name]}" for name in sorted(entry.tools))
    return ["## Made with", f"{versions}. Build key `{entry.build_key}`."]


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _text(value: str) -> str:
    """On one line, and with nothing that ends a cell or starts HTML."""
    return " ".join(value.split()).replace("|", "\\|").replace("<", "&lt;")


def _counts(operators: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {_text(name)}" for name, count in sorted(operators.items()))


def _dimensions(shape: Sequence[int | None]) -> str:
    return " x ".join("?" if size is None else str(size) for size in shape) or "a single number"


def _triple(numbers: tuple[float, float, float]) -> str:
    return ", ".join(f"{n:g}" for n in numbers) if len(set(numbers)) > 1 else f"{numbers[0]:g}"


def _beside(path: str) -> str:
    return path.partition("/")[2]


def _giga(count: int) -> str:
    return f"{count / 1e9:.2f} billion" if count >= 1e7 else f"{count:,}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
