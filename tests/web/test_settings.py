"""web/settings.js reads the URL once, and names whatever is off with the choices."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.javascript import JavaScript

PARSE = """({parseSettings}, {search, runtimes}) => {
  const {settings, problems} = parseSettings(search, {modelIds: ['resnet50', 'mobilenet_v1'], runtimes});
  return {settings, problems, frozen: Object.isFrozen(settings)};
}"""


FLEET = "33333333-4444-4555-8666-777777777777"
DEVICE_ID = "11111111-2222-4333-8444-555555555555"
STANDARD = {"preset": "standard", "iterations": 30, "minTimeS": 1, "precision": None, "timeBudgetS": 120}
QUICK = {"preset": "quick", "iterations": 5, "minTimeS": 0, "precision": None, "timeBudgetS": 120}
THOROUGH = {"preset": "thorough", "iterations": 30, "minTimeS": 2, "precision": 0.02, "timeBudgetS": 300}


def parse(javascript: JavaScript, search: str, *, fake: bool = False) -> dict[str, Any]:
    runtimes = ["onnxruntime-web", *(["fake"] if fake else [])]
    found: dict[str, Any] = javascript("settings.js", PARSE, {"search": search, "runtimes": runtimes})
    assert found["frozen"]
    return found


def test_without_parameters_the_page_decides(javascript: JavaScript) -> None:
    found = parse(javascript, "")
    assert found["problems"] == []
    settings = found["settings"]
    assert (settings["autorun"], settings["models"], settings["backends"], settings["deviceName"]) == (
        False,
        None,
        None,
        None,
    )
    assert {name: settings[name] for name in STANDARD} == STANDARD
    assert (settings["warmup"], settings["endToEnd"], settings["repeat"], settings["seed"]) == (None, 5, 1, None)
    assert (settings["order"], settings["timeoutS"], settings["profile"]) == ("interleaved", 300, False)
    assert (settings["fleetId"], settings["emulated"], settings["report"]) == (None, None, False)
    assert settings["runtime"] == "onnxruntime-web"


def test_every_parameter_is_read(javascript: JavaScript) -> None:
    query = urlencode(
        {
            "autorun": "1",
            "models": "mobilenet_v1,resnet50",
            "backends": "wasm,wasm-4,webgpu,webgl,webnn-cpu,webnn-gpu,webnn-npu",
            "preset": "quick",
            "iterations": "7",
            "min_time": "0.25",
            "precision": "2.5",
            "device": " Kim's phone ",
            "time_budget": "1.5",
            "warmup": "0",
            "end_to_end": "0",
            "repeat": "3",
            "order": "sequential",
            "seed": "4294967295",
            "timeout": "9",
            "placement": "1",
            "profile": "1",
            "device_id": DEVICE_ID,
            "fleet": FLEET,
            "emulated": "Pixel 7, CPU slowed 4 times",
            "report": "1",
            "runtime": "fake",
            "fake": json.dumps({"durations_ms": [1, 2], "faults": {"3": "nan"}}),
        }
    )
    found = parse(javascript, f"?{query}", fake=True)
    assert found["problems"] == []
    assert found["settings"] == {
        "autorun": True,
        "models": ["mobilenet_v1", "resnet50"],
        "backends": ["wasm", "wasm-4", "webgpu", "webgl", "webnn-cpu", "webnn-gpu", "webnn-npu"],
        "preset": None,
        "iterations": 7,
        "minTimeS": 0.25,
        "precision": 0.025,
        "deviceName": "Kim's phone",
        "timeBudgetS": 1.5,
        "warmup": 0,
        "endToEnd": 0,
        "repeat": 3,
        "order": "sequential",
        "seed": 4294967295,
        "timeoutS": 9,
        "placement": True,
        "profile": True,
        "deviceId": DEVICE_ID,
        "fleetId": FLEET,
        "emulated": "Pixel 7, CPU slowed 4 times",
        "report": True,
        "runtime": "fake",
        "fake": {"session_ms": 0, "durations_ms": [1, 2], "pace_ms": 0, "faults": {"3": "nan"}, "placement": None},
    }


@pytest.mark.parametrize(
    ("search", "numbers"),
    [
        ("?preset=quick", QUICK),
        ("?preset=standard", STANDARD),
        ("?preset=thorough", THOROUGH),
        ("?iterations=5&min_time=0", QUICK),
        ("?preset=thorough&iterations=50", {**THOROUGH, "preset": None, "iterations": 50}),
        ("?iterations=50&preset=thorough", {**THOROUGH, "preset": None, "iterations": 50}),
        ("?preset=quick&time_budget=9", {**QUICK, "preset": None, "timeBudgetS": 9}),
    ],
)
def test_a_preset_sets_the_numbers_that_are_not_named(
    javascript: JavaScript, search: str, numbers: dict[str, Any]
) -> None:
    found = parse(javascript, search)
    assert found["problems"] == []
    assert {name: found["settings"][name] for name in numbers} == numbers


BACKENDS = (
    "the choices are wasm (as many threads as there are cores), wasm-N (N threads, such as wasm-1), "
    "webgpu, webgl, webnn-cpu, webnn-gpu, webnn-npu"
)
PARAMETERS = (
    "autorun, models, backends, preset, iterations, min_time, precision, device, time_budget, warmup, end_to_end, repeat, "
    "order, seed, timeout, placement, profile, device_id, fleet, emulated, report, runtime"
)


@pytest.mark.parametrize(
    ("search", "problem"),
    [
        ("?autorun=yes", "autorun=yes is not a choice; the choices are 0, 1."),
        ("?models=vgg", "models=vgg is not a choice; the choices are resnet50, mobilenet_v1."),
        ("?models=resnet50,vgg", 'models=resnet50,vgg holds "vgg", which is not a choice; the choices are resnet50, mobilenet_v1.'),
        ("?models=", "models= is not a choice; the choices are resnet50, mobilenet_v1."),
        ("?backends=cuda", f"backends=cuda is not a choice; {BACKENDS}."),
        ("?backends=wasm-0", f"backends=wasm-0 is not a choice; {BACKENDS}."),
        ("?iterations=0", "iterations=0 is not a whole number from 1 to 10000."),
        ("?iterations=1e3", "iterations=1e3 is not a whole number from 1 to 10000."),
        ("?preset=slow", "preset=slow is not a choice; the choices are quick, standard, thorough."),
        ("?backends=webnn", f"backends=webnn is not a choice; {BACKENDS}."),
        ("?min_time=-1", "min_time=-1 is not a number of seconds from 0 (none) to 86400."),
        ("?min_time=soon", "min_time=soon is not a number of seconds from 0 (none) to 86400."),
        ("?precision=0", "precision=0 is not a number of per cent over 0 and at most 100."),
        ("?precision=2%25", "precision=2% is not a number of per cent over 0 and at most 100."),
        ("?end_to_end=1001", "end_to_end=1001 is not a whole number from 0 to 1000."),
        ("?repeat=0", "repeat=0 is not a whole number from 1 to 100."),
        ("?order=random", "order=random is not a choice; the choices are interleaved, sequential."),
        ("?seed=4294967296", "seed=4294967296 is not a whole number from 0 to 4294967295."),
        ("?profile=yes", "profile=yes is not a choice; the choices are 0, 1."),
        ("?warmup=-1", "warmup=-1 is not a whole number from 0 to 1000."),
        ("?time_budget=0", "time_budget=0 is not a number of seconds over 0 and at most 86400."),
        ("?placement=yes", "placement=yes is not a choice; the choices are 0, 1."),
        ("?timeout=soon", "timeout=soon is not a number of seconds over 0 and at most 86400."),
        ("?device=+", "device=  is not a name of 1 to 200 characters."),
        ("?fleet=7", "fleet=7 is not a UUID in lower case."),
        (f"?fleet={FLEET.replace('3', 'A')}", f"fleet={FLEET.replace('3', 'A')} is not a UUID in lower case."),
        ("?device_id=phone", "device_id=phone is not a UUID in lower case."),
        ("?emulated=", "emulated= is not a text of 1 to 200 characters."),
        (f"?emulated={'x' * 201}", f"emulated={'x' * 201} is not a text of 1 to 200 characters."),
        ("?report=2", "report=2 is not a choice; the choices are 0, 1."),
        ("?runtime=fake", "runtime=fake is not a choice; the choices are onnxruntime-web."),
        ("?iterations=3&iterations=4", "iterations=3 and iterations=4 stands more than once; give it once."),
        ("?iteration=3", f"iteration is unknown; the parameters are {PARAMETERS}."),
        ("?fake={}", f"fake is unknown; the parameters are {PARAMETERS}."),
        ("?constructor=1", f"constructor is unknown; the parameters are {PARAMETERS}."),
    ],
)  # fmt: skip
def test_what_is_off_is_named_with_the_choices(javascript: JavaScript, search: str, problem: str) -> None:
    assert parse(javascript, search)["problems"] == [problem]


def test_all_models_can_be_asked_for_at_once(javascript: JavaScript) -> None:
    assert parse(javascript, "?models=all")["settings"]["models"] == ["resnet50", "mobilenet_v1"]


def test_all_problems_are_named_at_once_and_the_rest_still_counts(javascript: JavaScript) -> None:
    found = parse(javascript, "?models=vgg&iterations=x&warmup=2")
    assert len(found["problems"]) == 2
    assert (found["settings"]["models"], found["settings"]["iterations"], found["settings"]["warmup"]) == (None, 30, 2)


@pytest.mark.parametrize(
    "script",
    ["", "7", "null", "[", '{"duration": 1}', '{"durations_ms": []}', '{"durations_ms": [-1]}', '{"durations_ms": 3}',
     '{"session_ms": "long"}', '{"faults": {"0": "explode"}}'],
)  # fmt: skip
def test_a_script_for_the_fake_that_makes_no_sense_is_named(javascript: JavaScript, script: str) -> None:
    (problem,) = parse(javascript, "?" + urlencode({"fake": script}), fake=True)["problems"]
    assert problem.startswith(f"fake={script} ")
