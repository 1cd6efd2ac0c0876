"""Whether a posted run is about what this server serves. Its form is checked already, by timings.parse."""

from __future__ import annotations

from collections.abc import Sequence

from builder import manifest
from builder.errors import ZooError
from builder.records import Manifest, ModelEntry, VariantEntry, Verification
from serving.replies import Refusal
from timings.records import Run

_UNKNOWN = 422
_STALE = 409


def check(run: Run, served: Manifest, runtimes: Sequence[str]) -> None:
    """Raises Refusal: 422 for what this server does not know, 409 where the page measured another file than is served now."""
    if run.runtime not in runtimes:
        raise _refused(_UNKNOWN, "runtime", run.runtime, f"one of {', '.join(runtimes)}", "measure with one of those")
    model = manifest.find(served, run.model)
    if model is None:
        known = ", ".join(m.id for m in served.models) or "none: the manifest is empty"
        raise _refused(_UNKNOWN, "model", run.model, f"one of {known}", "choose one of those")
    variant = next((v for v in model.variants if v.name == run.variant), None)
    if variant is None:
        known = ", ".join(v.name for v in model.variants)
        raise _refused(_UNKNOWN, f"variant of {model.id}", run.variant, f"one of {known}", "choose one of those")
    _check_same_file(run, model, variant)
    for field, verification in (("verification", run.verification), ("final_check", run.final_check)):
        if verification is not None:
            _check_tolerances(field, verification, model, variant)
            _check_task(field, verification, model, variant)


def _check_same_file(run: Run, model: ModelEntry, variant: VariantEntry) -> None:
    pairs = (
        ("model_sha256", run.model_sha256, variant.sha256),
        ("model_bytes", run.model_bytes, variant.bytes),
        ("weights", run.weights, model.weights.kind),
    )
    for field, got, expected in pairs:
        if got != expected:
            raise _refused(
                _STALE,
                f"{field} of {model.id} {variant.name}",
                str(got),
                f"{expected}, as the manifest has it now",
                "the models were built anew: reload the page and measure again",
            )


def _check_tolerances(field: str, found: Verification, model: ModelEntry, variant: VariantEntry) -> None:
    references = [reference.name for reference in model.references]
    if found.reference not in references:
        raise _refused(
            _UNKNOWN, f"{field}.reference", found.reference, f"one of {', '.join(references)}", "reload the page"
        )
    got = sorted((output.output, output.atol, output.rtol) for output in found.outputs)
    expected = sorted((limit.output, limit.atol, limit.rtol) for limit in variant.tolerances)
    if got != expected:
        raise _refused(
            _UNKNOWN,
            f"{field}: tolerances of {model.id} {variant.name}",
            _limits(got),
            f"{_limits(expected)}, as the manifest has them",
            "reload the page: a verification counts only with the manifest's own tolerances",
        )


def _check_task(field: str, found: Verification, model: ModelEntry, variant: VariantEntry) -> None:
    """A page that compared with the manifest's own reference expects what the builder expected."""
    ours = next((v.task for v in variant.verifications if v.reference == found.reference), None)
    got = f"{found.task.measure}, {found.task.expected} expected"
    wanted = f"{ours.measure}, {ours.expected} expected" if ours else "a reference that the builder verified with"
    if got != wanted:
        raise _refused(
            _UNKNOWN,
            f"{field}: task of {model.id} on the {found.reference}",
            got,
            f"{wanted}, as in the manifest",
            "reload the page: a verification counts only against the manifest's own reference",
        )


def _limits(limits: list[tuple[str, float, float]]) -> str:
    return ", ".join(f"{output} atol {atol} rtol {rtol}" for output, atol, rtol in limits)


def _refused(status: int, what: str, got: str, expected: str, next_step: str) -> Refusal:
    error = ZooError(
        f"the posted run does not fit this server: {what}", got=got, expected=expected, next_step=next_step
    )
    return Refusal(status, error)
