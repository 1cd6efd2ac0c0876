"""What runs where: models small first, without what has arrived, and how long hosts should take together."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from builder import manifest
from builder.errors import ZooError
from builder.records import ModelEntry
from fleet.plan import DevicePlan, Visit, chosen_models, finished_runs, foreseen_s, visits
from fleet.planned import plan_lines
from fleet.records import Job
from tests.support.runs import make_run

JOB = Job("http://127.0.0.1:8000", "desk", backends=("wasm", "wasm-1"))


@pytest.fixture(scope="module")
def models(tiny_zoo: Path) -> tuple[ModelEntry, ...]:
    return chosen_models(("all",), manifest.read(tiny_zoo))


def test_the_smallest_model_comes_first(models: tuple[ModelEntry, ...]) -> None:
    macs = [max(variant.macs for variant in model.variants) for model in models]
    assert len(macs) == 3
    assert macs == sorted(macs)


def test_a_model_that_the_server_does_not_have_is_named_with_the_choices(tiny_zoo: Path) -> None:
    with pytest.raises(ZooError) as raised:
        chosen_models(("echo", "lenet"), manifest.read(tiny_zoo))
    assert raised.value.got == "lenet"
    assert "echo_ssd" in raised.value.expected


def test_each_model_has_a_visit_of_its_own_in_which_its_backends_take_turns(models: tuple[ModelEntry, ...]) -> None:
    found = visits(models, JOB, {}, together=False)
    assert [visit.models for visit in found] == [(model.id,) for model in models]
    assert {visit.backends for visit in found} == {("wasm", "wasm-1")}
    assert sum(visit.runs for visit in found) == 6


def test_a_person_opens_the_page_once(models: tuple[ModelEntry, ...]) -> None:
    (only,) = visits(models, JOB, {}, together=True)
    assert only.models == tuple(model.id for model in models)
    assert only.runs == 6


@pytest.mark.parametrize("together", [True, False])
def test_what_has_arrived_is_not_asked_for_again(models: tuple[ModelEntry, ...], together: bool) -> None:
    first, second, third = (model.id for model in models)
    job = dataclasses.replace(JOB, repeat=2)
    finished = {(first, "wasm"): 2, (first, "wasm-1"): 2, (second, "wasm"): 1}
    found = visits(models, job, finished, together=together)
    left = {(m, b): v.repeat for v in found for m in v.models for b in v.backends}
    assert left == {(second, "wasm-1"): 2, (second, "wasm"): 1, (third, "wasm"): 2, (third, "wasm-1"): 2}
    assert sum(visit.runs for visit in found) == 7


def test_everything_has_arrived(models: tuple[ModelEntry, ...]) -> None:
    finished = {(model.id, backend): 1 for model in models for backend in JOB.backends}
    assert visits(models, JOB, finished, together=False) == ()


def test_a_run_counts_for_the_backend_that_was_asked_for() -> None:
    """A device with one core runs wasm and wasm-1 with the same thread: the plan's wasm-1 takes the first, its wasm the second."""
    runs = [make_run(model="echo", threads_requested=n) for n in (1, 1, 4)]
    assert finished_runs(runs[:2], JOB) == {("echo", "wasm-1"): 1, ("echo", "wasm"): 1}
    assert finished_runs(runs[2:], JOB) == {("echo", "wasm"): 1}
    gpu = make_run(model="echo", backend="webnn", device_type="gpu")
    assert finished_runs([gpu], JOB) == {("echo", "webnn-gpu"): 1}


def plan(device: str, host: str, seconds: float) -> DevicePlan:
    return DevicePlan(device, "local", host, (Visit(("echo",), ("wasm",), 1, seconds),))


def test_hosts_work_at_the_same_time_and_devices_of_a_host_do_not() -> None:
    plans = [plan("a", "here", 30), plan("b", "here", 40), plan("c", "there", 50)]
    assert foreseen_s(plans) == 70
    text = "\n".join(plan_lines(plans))
    assert "here: about 70 s, one device after another" in text
    assert "in all about 70 s, hosts at the same time" in text
    assert foreseen_s([]) == 0
