"""Model cards: complete, the same every time, and with code that runs."""

from __future__ import annotations

import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from builder import manifest
from builder.cards import card, postprocessing_in_words, preprocessing_in_words
from builder.records import (
    BackendSupport,
    Blocker,
    Manifest,
    ModelEntry,
    Observation,
    Preprocessing,
    Raw,
    WeightsEntry,
)
from tests.builder.commands import ROOT


@pytest.fixture
def zoo(tiny_zoo: Path) -> Manifest:
    return manifest.read(tiny_zoo)


def changed(entry: ModelEntry, **fields: object) -> ModelEntry:
    return entry.model_copy(update=fields)


def rows(text: str, section: str) -> list[list[str]]:
    """The cells of the first table under that heading, without its header."""
    part = text.split(f"## {section}\n", 1)[1].split("\n## ", 1)[0]
    table = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table[2:]]


def test_a_card_tells_everything_that_the_manifest_does(zoo: Manifest) -> None:
    for entry in zoo.models:
        text = card(changed(entry, tools={"onnx": "1.2.3", "onnxruntime-web": "1.30.0"}))
        assert text.startswith(f"# {entry.title}\n")
        assert "npm install onnxruntime-web@1.30.0`" in text
        assert rows(text, "Files")[: len(entry.files())] == [
            [f"`{f.path.split('/')[1]}`", f"{f.bytes:,}", f"`{f.sha256}`"] for f in entry.files()
        ]
        assert [row[0] for row in rows(text, "Outputs")] == [f"`{o.name}`" for o in entry.outputs]
        told = {
            *(entry.id, entry.task, entry.weights.origin, entry.weights.licence, entry.weights.citation),
            *(entry.reference_runtime, entry.build_key, "onnx 1.2.3", "seeded random numbers"),
            *(t.reason for v in entry.variants for t in v.tolerances),
            *(f"{count} {name}" for v in entry.variants for name, count in v.operators.items()),
        }
        assert [part for part in told if part not in text] == []
        proofs = sum(len(p.outputs) for v in entry.variants for p in v.verifications)
        assert len(rows(text, "Verification")) == proofs > 0
        assert all("agree" in row[-1] for row in rows(text, "Verification"))


def test_detections_and_numbers_are_explained(zoo: Manifest) -> None:
    texts = {entry.id: card(entry) for entry in zoo.models}
    assert "priors.safetensors" in texts["echo_ssd"]
    assert "softmax over the classes" in texts["echo_ssd"]
    assert "there may be none" in texts["echo_boxes"]
    assert "| `boxes` | float32 | ? x 4 |" in texts["echo_boxes"]
    assert "number by number" in postprocessing_in_words(Raw(kind="raw"))


def test_preprocessing_reads_as_one_would_do_it() -> None:
    rule = Preprocessing(
        resize="shorter_side",
        size=256,
        interpolation="bilinear",
        divisor=255.0,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
    )
    words = preprocessing_in_words(rule, (1, 3, 224, 200))
    assert "shorter side has 256 pixels, its centre of 200 x 224 pixels cut out (bilinear" in words
    assert "(pixel / 255 - mean) / std with mean 0.485, 0.456, 0.406 and std 0.229, 0.224, 0.225" in words


def test_predicted_and_observed_support_stand_side_by_side(zoo: Manifest) -> None:
    entry = zoo.models[0]
    blocker = Blocker(operator="Split", count=1, reason="WebGL knows it only up to opset 13")
    supports = (
        BackendSupport(backend="wasm", status="runs", fallback={}, blockers=(), caveats=()),
        BackendSupport(backend="webgpu", status="falls_back", fallback={"Flatten": 2}, blockers=(), caveats=()),
        BackendSupport(backend="webgl", status="stops", fallback={}, blockers=(blocker,), caveats=()),
    )
    seen = Observation(
        browser="firefox",
        browser_version="153.0",
        runtime_version="1.30.0",
        backend="wasm",
        status="runs",
        fallback={},
        verification=entry.variants[0].verifications[0],
        message=None,
    )
    refused = seen.model_copy(
        update={"backend": "webgl", "status": "stops", "verification": None, "message": "no | session"}
    )
    variant = entry.variants[0].model_copy(update={"support": supports, "observations": (seen, refused)})
    text = card(changed(entry, variants=(variant,)))
    assert rows(text, "Where it runs") == [
        ["fp32", "wasm", "runs", "", "firefox 153.0: runs, outputs agree"],
        ["fp32", "webgpu", "runs, some nodes in WebAssembly", "2 Flatten", "not yet tried"],
        [
            *("fp32", "webgl", "does not run", "1 x Split: WebGL knows it only up to opset 13"),
            "firefox 153.0: does not run (no \\| session)",
        ],
    ]
    proofs = rows(text, "Verification")
    assert len(proofs) == len(variant.verifications[0].outputs) + 1


def test_what_others_wrote_cannot_break_a_table(zoo: Manifest) -> None:
    weights = WeightsEntry(
        kind="pretrained", origin="file a|b\n.onnx", sha256="0" * 64, bytes=5, licence="<b>mine</b>", citation="none"
    )
    text = card(changed(zoo.models[0], title="A\n# B", weights=weights))
    assert "# A # B\n" in text
    assert "| source | file a\\|b .onnx |" in text
    assert "&lt;b>mine" in text
    assert "seeded" not in text


def test_the_same_entry_gives_the_same_bytes_in_any_process(tiny_zoo: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from builder import cards, manifest; "
        f"whole = manifest.read(Path({str(tiny_zoo)!r})); "
        "sys.stdout.write(''.join(cards.card(m) for m in whole.models)); "
        "assert not {'torch', 'onnx', 'numpy'} & set(sys.modules)"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(texts) == 1


@pytest.fixture
def folder_server(tmp_path: Path) -> Iterator[str]:
    """Serves tmp_path with nothing but the standard library; the address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_javascript_of_a_card_runs(
    zoo: Manifest, tiny_zoo: Path, tmp_path: Path, folder_server: str, page: Page
) -> None:
    entry = zoo.models[0]
    (code,) = re.findall(r"```js\n(.*?)```", card(entry), re.DOTALL)
    assert len(code.splitlines()) == 6
    shutil.copy(tiny_zoo / entry.variants[0].path, tmp_path)
    shutil.copytree(ROOT / "node_modules" / "onnxruntime-web" / "dist", tmp_path / "ort")
    modules = '{"imports": {"onnxruntime-web/wasm": "/ort/ort.wasm.bundle.min.mjs"}}'
    (tmp_path / "index.html").write_text(
        f'<!doctype html><link rel="icon" href="data:,"><script type="importmap">{modules}</script>'
        f'<script type="module">{code}\ndocument.title = "done";</script>'
    )
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(folder_server)
    page.wait_for_function("document.title === 'done'", timeout=60_000)
    assert any(text.startswith("logits") for text in said), said


def test_how_long_the_build_took_is_not_told_and_names_are_escaped(zoo: Manifest) -> None:
    entry = zoo.models[0]
    assert card(changed(entry, build_seconds=1.0)) == card(changed(entry, build_seconds=2.0))
    assert "`a\\|b&lt;i>`" in card(changed(entry, input=entry.input.model_copy(update={"name": "a|b<i>"})))
