"""Have real browsers run what was built, with the page itself, and record what they did beside what was predicted.

The server and the fleet are used as anybody uses them: as programs, over HTTP. Nothing of them is imported.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field

from builder import manifest
from builder.errors import ZooError
from builder.output import OutputFolder
from builder.programs import fleet_run, running_server
from builder.progress import Reporter
from builder.records import BackendName, ModelEntry, Observation, SupportStatus, VariantEntry, Verification

_WHEN_IT_COPIES = ("MemcpyToHost", "MemcpyFromHost")  # what a fall-back costs, not what falls back
_NOT_THE_FILE = ("start", "download")  # stages at which a failure says nothing of the file


class _Seen(BaseModel):
    """What is read here of a stored run; it holds much more."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _SeenDevice(_Seen):
    browser: str
    browser_version: str


class _SeenFailure(_Seen):
    stage: str
    message: str


class _SeenRun(_Seen):
    model: str
    variant: str
    model_sha256: str
    backend: Literal["wasm", "webgpu"]
    runtime: str
    runtime_version: str
    placement: dict[str, dict[str, int]] | None
    verification: Verification | None
    final_check: Verification | None
    error: _SeenFailure | None
    device: _SeenDevice


class _SeenRuns(_Seen):
    runs: Annotated[tuple[_SeenRun, ...], Field(strict=False)]


@dataclasses.dataclass(frozen=True)
class _Asked:
    """One model on one backend in one browser."""

    model: str
    browser: str
    backend: BackendName

    def __str__(self) -> str:
        return f"{self.model} on {self.backend} in {self.browser}"


def verify_in_browsers(
    names: Sequence[str], out: Path, browsers: Sequence[str], backends: Sequence[BackendName], reporter: Reporter
) -> list[ZooError]:
    """Run these models in these browsers, one at a time; record each observation in the manifest at once; return the failures.

    A failure is a browser that cannot be driven, an output that is not right, or an observation that differs from the prediction.
    WebGPU is asked of Chromium only, which can emulate a graphics card.
    """
    order = tuple(m.id for m in manifest.read(out).models)
    places = [(r, k) for r, k in itertools.product(browsers, backends) if k != "webgpu" or r == "chromium"]
    if not places:
        raise ZooError(
            "there is nothing to try",
            got=f"{', '.join(backends)} in {', '.join(browsers)}",
            expected="wasm, or chromium, which alone can emulate a graphics card",
            next_step="choose others with --browsers and --backends",
        )
    failures: list[ZooError] = []
    with (
        TemporaryDirectory(prefix="zoo-in-browser-") as scratch,
        running_server(out, Path(scratch) / "runs.sqlite") as server,
    ):
        for name in names:
            before = len(failures)
            for browser, backend in places:
                reporter.stage(name, f"verify in {browser}, {backend}")
                asked = _Asked(name, browser, backend)
                try:
                    failures += _record(asked, _run(server.url, asked, reporter), out, order, reporter)
                except ZooError as error:
                    failures.append(error)
            for failure in failures[before:]:
                reporter.failed(name, failure)
            if len(failures) == before:
                reporter.finished(
                    name, "verified: " + ", ".join(f"{backend} in {browser}" for browser, backend in places)
                )
    return failures


def _run(server: str, asked: _Asked, reporter: Reporter) -> tuple[_SeenRun, ...]:
    """The runs that came of it, one for each variant. A browser that got stuck before it had the file is asked once more.

    Raises ZooError when nothing comes of that either.
    """
    for attempt in (1, 2):
        device = f"{asked}, attempt {attempt}"
        said = fleet_run(server, asked.browser, asked.model, asked.backend, device)
        runs = _runs(server, device)
        stuck = [run.error.message for run in runs if run.error and run.error.stage in _NOT_THE_FILE]
        if runs and not stuck:
            return runs
        reporter.note(f"{asked}: {stuck[0] if stuck else 'no run arrived'}")
    raise ZooError(
        f"{asked} was not tried",
        got=stuck[0] if stuck else f"no run arrived; the fleet said: {said or 'nothing'}",
        expected="a run",
        next_step="see that the browser starts: python -m fleet list",
    )


def _runs(server: str, device: str) -> tuple[_SeenRun, ...]:
    address = f"{server}/api/runs?{urlencode({'device_name': device})}"
    try:
        with urllib.request.urlopen(address) as reply:  # noqa: S310 - our own server
            return _SeenRuns.model_validate(json.load(reply)).runs
    except (OSError, ValueError) as error:
        raise ZooError(
            "the runs cannot be read from the server",
            got=str(error).splitlines()[0],
            expected=f"the runs of {device} at {address}",
            next_step="run the command again; python server.py by hand shows more",
        ) from error


def _record(
    asked: _Asked, runs: Sequence[_SeenRun], out: Path, order: tuple[str, ...], reporter: Reporter
) -> list[ZooError]:
    """Put what these runs show into the manifest; what is not as it should be."""
    whole = manifest.read(out)
    entry = manifest.find(whole, asked.model)
    if entry is None:
        raise ZooError(
            f"{asked.model} is not built any more",
            got="no entry in the manifest",
            expected="the model that was just run",
            next_step="build it, then run the command again",
        )
    failures: list[ZooError] = []
    variants = []
    for variant in entry.variants:
        seen = [r for r in runs if r.variant == variant.name and r.model_sha256 == variant.sha256]
        if not seen:
            failures.append(_another_file(asked, variant))
        new = [_observation(run, asked.browser) for run in seen[:1]]
        for observation in new:
            failures += _differences(entry, variant, observation)
            reporter.note(f"{asked.model} {variant.name}: {_in_words(observation)}")
        kept = [o for o in variant.observations if not new or (o.browser, o.backend) != (asked.browser, asked.backend)]
        observations = tuple(sorted([*kept, *new], key=lambda o: (o.browser, o.backend)))
        variants.append(variant.model_copy(update={"observations": observations}))
    changed = entry.model_copy(update={"variants": tuple(variants)})
    OutputFolder(out, order).commit(changed)
    return failures


def _observation(run: _SeenRun, browser: str) -> Observation:
    elsewhere = _fallback(run)
    proof = run.verification
    if proof and proof.passed and run.final_check:
        proof = run.final_check  # a first inference that was right and a last one that was not is not right
    # Outputs that came and are wrong are one thing, a session or an inference that fails is another.
    ran = run.error is None or (proof is not None and not proof.passed)
    status: SupportStatus = "stops" if not ran else "falls_back" if elsewhere else "runs"
    return Observation(
        browser=browser,
        browser_version=run.device.browser_version,
        runtime_version=run.runtime_version,
        backend=run.backend,
        status=status,
        fallback=elsewhere,
        verification=proof,
        message=run.error.message if run.error else None,
    )


def _fallback(run: _SeenRun) -> dict[str, int] | None:
    """The nodes that ran somewhere else than asked for, by operator; None where the runtime did not say."""
    if run.placement is None:
        return None
    return {
        operator: count
        for backend, counts in run.placement.items()
        if backend != run.backend
        for operator, count in counts.items()
        if operator not in _WHEN_IT_COPIES
    }


def _differences(entry: ModelEntry, variant: VariantEntry, seen: Observation) -> list[ZooError]:
    """What is wrong with an observation: outputs that differ from the reference, or a prediction that did not come true."""
    where = f"{entry.id} {variant.name} on {seen.backend} in {seen.browser} {seen.browser_version}"
    failures = []
    if seen.status != "stops" and not (seen.verification and seen.verification.passed):
        failures.append(
            ZooError(
                f"{where}: the outputs are not right",
                got=seen.message or "no verification",
                expected="every output within its tolerance, and the same result",
                next_step="do not ship it for this backend; look for the operator whose result differs",
            )
        )
    predicted = next((s for s in variant.support if s.backend == seen.backend), None)
    if predicted is None:
        return failures
    nodes_differ = seen.status != "stops" and (seen.fallback is None or set(seen.fallback) != set(predicted.fallback))
    if predicted.status != seen.status or nodes_differ:
        failures.append(
            ZooError(
                f"{where}: observed something else than predicted",
                got=_in_words(seen) + ("; the runtime did not say where nodes ran" if seen.fallback is None else ""),
                expected=f"{_STATUS[predicted.status]}{_listed(predicted.fallback)}",
                next_step="see docs/support.md: the tables may be of another version of onnxruntime-web, or builder/support.py lacks a rule",
            )
        )
    return failures


_STATUS = {"runs": "runs", "falls_back": "runs, some nodes in WebAssembly", "stops": "does not run"}


def _in_words(seen: Observation) -> str:
    words = (
        f"{seen.browser} {seen.browser_version}, {seen.backend}: {_STATUS[seen.status]}{_listed(seen.fallback or {})}"
    )
    if seen.verification:
        words += ", outputs right" if seen.verification.passed else ", outputs WRONG"
    return words + (f" ({seen.message})" if seen.message else "")


def _listed(fallback: dict[str, int]) -> str:
    return f" ({', '.join(f'{count} {operator}' for operator, count in sorted(fallback.items()))})" if fallback else ""


def _another_file(asked: _Asked, variant: VariantEntry) -> ZooError:
    return ZooError(
        f"{asked}: {variant.path} was not what ran",
        got="no run of that content",
        expected=f"sha256 {variant.sha256}",
        next_step="the model was built anew meanwhile: run the command again",
    )
