"""Runs to store and to post: whole, valid, and of the tiny zoo."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from builder import manifest
from builder.records import ModelEntry, OutputVerification, TaskVerification, Verification
from timings.records import Calibration, Conditions, Device, EndToEnd, Order, Run, Sample

DEVICE = Device(
    device_id="11111111-2222-4333-8444-555555555555",
    device_name="Kim's laptop",
    user_agent="Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0",
    browser="Chromium",
    browser_version="156.0.0.0",
    platform="Linux",
    platform_version=None,
    architecture="x86",
    device_model=None,
    mobile=False,
    cores=8,
    memory_gb=8.0,
    gpu_vendor=None,
    gpu_architecture=None,
    gpu_description=None,
    gpu_software=None,
    screen_width=1440,
    screen_height=900,
    pixel_ratio=1.5,
    secure_context=True,
    cross_origin_isolated=True,
    timer_step_ms=0.005,
    wasm_simd=True,
    wasm_relaxed_simd=True,
    wasm_threads=True,
    engine="Blink",
    engine_version="156.0.0.0",
    bitness="64",
    wow64=False,
    form_factor="Desktop",
    gpu_fallback_adapter=None,
    webgl_renderer=None,
    emulated=None,
)
ORDER = Order(
    batch_id="22222222-3333-4444-8555-666666666666", mode="interleaved", seed=7, position=2, runs=3, reason=None
)
CONDITIONS = Conditions(
    times_hidden=0,
    repeats=0,
    wake_lock="held",
    battery_level=0.75,
    battery_charging=True,
    calibration_before=Calibration(workers=8, loop_ms=20.5, lost_share=0.01),
    calibration_after=Calibration(workers=8, loop_ms=21.5, lost_share=0.02),
)
MEASURED_MS = (12.0, 11.0, 13.5, 11.5, 12.0)
_BASE = {
    "schema_version": 2,
    "started_at": datetime.fromisoformat("2026-03-01T12:00:00.250+01:00"),
    "page_version": "0.1.0+0123456789ab",
    "runtime": "onnxruntime-web",
    "runtime_version": "1.30.0",
    "model": "echo",
    "variant": "fp32",
    "model_sha256": "a" * 64,
    "model_bytes": 1000,
    "weights": "seeded",
    "backend": "wasm",
    "device_type": None,
    "threads_requested": 8,
    "threads": 8,
    "min_time_s": 0.0,
    "precision": None,
    "warmup_iterations": 10,
    "warmup_ended_by": "agreement",
    "time_budget_s": 120.0,
    "download_ms": 35.25,
    "download_cached": False,
    "runtime_ms": 700.25,
    "session_ms": 100.5,
    "first_ms": 40.125,
    "placement": None,
    "order": ORDER,
    "conditions": CONDITIONS,
    "warnings": [],
    "device": DEVICE,
    "fleet_id": None,
    "clock_offset_s": 0.25,
}
ENDS_TO_ENDS = (
    EndToEnd(preprocess_ms=2.0, inference_ms=11.0, postprocess_ms=1.0),
    EndToEnd(preprocess_ms=3.0, inference_ms=12.0, postprocess_ms=0.5),
    EndToEnd(preprocess_ms=1.0, inference_ms=40.0, postprocess_ms=0.75),
)


TOP_5 = TaskVerification(measure="top_5", expected=5, actual=5, matched=5, passed=True)


def verification(
    outputs: Sequence[str] = ("logits",), used: float = 0.25, task: TaskVerification = TOP_5
) -> Verification:
    """A verification with the tiny zoo's tolerances; it passed if `used` is at most 1."""
    passed = used <= 1
    each = {"max_abs_diff": used * 1e-5, "max_rel_diff": 0.0, "tolerance_used": used, "atol": 1e-5, "rtol": 1e-4}
    return Verification(
        reference="photograph",
        runtime="onnxruntime-web 1.30.0 wasm",
        outputs=tuple(OutputVerification(output=name, passed=passed, **each) for name in outputs),
        task=task,
        passed=passed,
    )


def make_run(*, samples_ms: Sequence[float] = MEASURED_MS, **changes: Any) -> Run:
    """A run that succeeded, with these samples and these fields changed. It gets an id of its own unless one is given.

    It says all that a page of today says, its samples being in rounds of two.
    """
    start, samples = 0.0, []
    for place, duration in enumerate(samples_ms):
        samples.append(Sample(start_ms=start, duration_ms=duration, round=1 + place // 2))
        start += duration
    fields = {
        **_BASE,
        "run_id": str(uuid.uuid4()),
        "iterations_requested": max(1, len(samples)),
        "stopped_by": "iterations",
        "samples": tuple(samples),
        "end_to_end": ENDS_TO_ENDS if samples else (),
        "verification": verification(),
        "final_check": verification(used=0.5),
        "error": None,
    }
    if isinstance(moment := changes.get("started_at"), str):
        changes["started_at"] = datetime.fromisoformat(moment)
    return Run.model_validate(fields | changes)


def make_failed_run(stage: str = "session", message: str = "out of memory", **changes: Any) -> Run:
    """A run that ended with an error at that stage."""
    failed = {"stopped_by": "error", "error": {"stage": stage, "message": message}, "final_check": None}
    return make_run(samples_ms=(), **{**failed, "verification": None, "iterations_requested": 30, **changes})


def fits(folder: Path, model_id: str = "echo") -> dict[str, Any]:
    """The fields that make a run fit the models in that folder, for make_run."""
    entry = manifest.find(manifest.read(folder), model_id)
    assert isinstance(entry, ModelEntry)
    variant = entry.variants[0]
    outputs = [output.name for output in entry.outputs]
    return {
        "model": model_id,
        "model_sha256": variant.sha256,
        "model_bytes": variant.bytes,
        "weights": entry.weights.kind,
        "verification": verification(outputs, task=variant.verifications[0].task),
        "final_check": verification(outputs, used=0.5, task=variant.verifications[0].task),
    }
