"""Choosing and reading weights: cache, folder, URL, seed; hashes; keys; pickles that must not run."""

from __future__ import annotations

import dataclasses
import hashlib
import http.server
import json
import os
import sys
import threading
import types
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from builder import weights
from builder.catalogue.classifiers import MOBILENET_V1, RESNET50
from builder.catalogue.detectors import SSD_RESNET34
from builder.errors import ZooError
from builder.fetching import weights_of
from builder.fingerprints import Fingerprints
from builder.models.mobilenet_v1 import MobileNetV1
from builder.models.ssd_resnet34 import SsdResNet34
from builder.spec import ModelSpec
from builder.weights_file import fill, load_state_dict


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no weights folder."""
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("ZOO_WEIGHTS_DIR", raising=False)
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty weights folder."""
    path = tmp_path / "weights"
    path.mkdir()
    monkeypatch.setenv("ZOO_WEIGHTS_DIR", str(path))
    return path


@pytest.fixture
def published(tmp_path: Path) -> Iterator[tuple[ModelSpec, bytes]]:
    """ResNet-50's record with a small file at a URL on loopback in its weights' place, and that file's content."""
    content = b"published weights" * 1000
    site = tmp_path / "site"
    site.mkdir()
    (site / RESNET50.weights.file_name).write_bytes(content)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    source = dataclasses.replace(
        RESNET50.weights,
        url=f"http://127.0.0.1:{server.server_address[1]}/{RESNET50.weights.file_name}",
        bytes=len(content),
        checksums=(f"sha256:{hashlib.sha256(content).hexdigest()}",),
    )
    yield dataclasses.replace(RESNET50, weights=source), content
    server.shutdown()
    server.server_close()
    thread.join()


def _resolve(spec: ModelSpec, mode: weights.Mode = "auto") -> weights.Weights:
    fingerprints = Fingerprints(weights.cache_folder() / "fingerprints.json")
    return weights.resolve(spec, mode, fingerprints, lambda done, total: None)


def test_the_url_is_used_when_nothing_is_at_hand_and_the_cache_the_next_time(
    published: tuple[ModelSpec, bytes], cache: Path
) -> None:
    spec, content = published
    first = _resolve(spec)
    assert (first.kind, first.path) == ("pretrained", cache / spec.weights.file_name)
    assert first.sha256 == hashlib.sha256(content).hexdigest()
    unreachable = dataclasses.replace(spec.weights, url="http://127.0.0.1:9/x")
    assert _resolve(dataclasses.replace(spec, weights=unreachable)).path == first.path


def test_the_folder_goes_before_the_url(published: tuple[ModelSpec, bytes], folder: Path, cache: Path) -> None:
    spec, content = published
    (folder / spec.weights.file_name).write_bytes(content)
    assert _resolve(spec).path == folder / spec.weights.file_name
    assert list(cache.iterdir()) == []


def test_a_published_file_with_a_wrong_hash_is_an_error_and_not_passed_over(
    published: tuple[ModelSpec, bytes], folder: Path
) -> None:
    spec, content = published
    (folder / spec.weights.file_name).write_bytes(content[:-1] + b"!")
    with pytest.raises(ZooError, match="is not the published one") as caught:
        _resolve(spec)
    assert "sha256" in caught.value.got
    assert spec.weights.checksums[0].removeprefix("sha256:") in caught.value.expected
    assert "resnet50.pth" in caught.value.next_step


def test_a_file_of_ones_own_goes_by_the_models_id(folder: Path) -> None:
    (folder / "resnet50.safetensors").write_bytes(b"mine")
    chosen = _resolve(RESNET50)
    assert (chosen.kind, chosen.path) == ("pretrained", folder / "resnet50.safetensors")
    assert chosen.sha256 == hashlib.sha256(b"mine").hexdigest()


def test_models_that_share_their_weights_share_a_file_of_ones_own(folder: Path) -> None:
    spec = dataclasses.replace(RESNET50, id="resnet50_small", weights_id="resnet50")
    (folder / "resnet50.pth").write_bytes(b"shared")
    chosen = _resolve(spec)
    assert (chosen.path, chosen.bytes) == (folder / "resnet50.pth", 6)
    assert chosen.origin == "file resnet50.pth of the weights folder"
    (folder / "resnet50_small.pth").write_bytes(b"its own")
    assert _resolve(spec).path == folder / "resnet50_small.pth"


def test_a_mirror_stands_in_for_the_url(published: tuple[ModelSpec, bytes]) -> None:
    spec, content = published
    assert spec.weights.url
    source = dataclasses.replace(spec.weights, url="http://127.0.0.1:9/x", mirrors=(spec.weights.url,))
    chosen = _resolve(dataclasses.replace(spec, weights=source))
    assert (chosen.kind, chosen.origin, chosen.bytes) == ("pretrained", "http://127.0.0.1:9/x", len(content))


class _Told:
    """A Reporter that only keeps what it is told of bytes."""

    def __init__(self) -> None:
        self.of_bytes: dict[str, list[int]] = {}

    def stage(self, model: str, stage: str) -> None: ...
    def finished(self, model: str, text: str) -> None: ...
    def failed(self, model: str, error: ZooError) -> None: ...
    def note(self, text: str) -> None: ...
    def ended(self, summary: str, failed: bool) -> None: ...

    def bytes(self, model: str, done: int, total: int | None) -> None:
        self.of_bytes.setdefault(model, []).append(done)


def test_weights_of_several_models_are_fetched_at_the_same_time(tmp_path: Path) -> None:
    """Three models, two files; the server answers only when both have been asked for."""
    asked: list[str] = []
    both = threading.Barrier(2, timeout=30)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            both.wait()
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.path)))
            self.end_headers()
            self.wfile.write(self.path.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def spec(name: str, file: str) -> ModelSpec:
        path = f"/{file}"
        source = dataclasses.replace(
            RESNET50.weights,
            file_name=file,
            url=f"http://127.0.0.1:{server.server_address[1]}{path}",
            bytes=len(path),
            checksums=(f"sha256:{hashlib.sha256(path.encode()).hexdigest()}",),
        )
        return dataclasses.replace(RESNET50, id=name, weights=source)

    specs = [spec("a", "one.pth"), spec("b", "two.pth"), spec("c", "one.pth")]
    told = _Told()
    try:
        found = list(weights_of(specs, "pretrained", Fingerprints(tmp_path / "f.json"), told))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert [s.id for s, _ in found] == ["a", "b", "c"]
    assert all(isinstance(w, weights.Weights) and w.kind == "pretrained" for _, w in found)
    assert sorted(asked) == ["/one.pth", "/two.pth"]
    assert all(told.of_bytes[name][-1] == 8 for name in ("a", "b") if name in told.of_bytes)
    assert told.of_bytes


def test_one_failure_among_the_weights_stops_nobody(folder: Path, tmp_path: Path) -> None:
    (folder / "resnet50.pth").write_bytes(b"mine")
    specs = [MOBILENET_V1, RESNET50]
    (_, failure), (_, chosen) = weights_of(specs, "pretrained", Fingerprints(tmp_path / "f.json"), _Told())
    assert isinstance(failure, ZooError)
    assert "mobilenet_v1, stage weights: no pretrained weights" in failure.what
    assert isinstance(chosen, weights.Weights)


def test_auto_falls_back_to_a_seed_and_says_why() -> None:
    source = dataclasses.replace(RESNET50.weights, url="http://127.0.0.1:9/x")
    chosen = _resolve(dataclasses.replace(RESNET50, weights=source))
    assert (chosen.kind, chosen.path, chosen.sha256) == ("seeded", None, None)
    assert "refused" in chosen.note


def test_pretrained_fails_instead() -> None:
    with pytest.raises(ZooError, match="no pretrained weights for mobilenet_v1") as caught:
        _resolve(MOBILENET_V1, "pretrained")
    assert "mobilenet_v1.pth" in caught.value.expected


def test_seeded_never_looks(published: tuple[ModelSpec, bytes]) -> None:
    assert _resolve(published[0], "seeded").kind == "seeded"


def test_a_weights_folder_that_is_none_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_WEIGHTS_DIR", "/nowhere/at/all")
    with pytest.raises(ZooError, match="does not name a folder") as caught:
        _resolve(RESNET50)
    assert caught.value.got == "/nowhere/at/all"


def test_every_url_of_the_catalogue_has_a_checksum() -> None:
    from builder.catalogue import CATALOGUE

    for spec in CATALOGUE:
        assert spec.weights.url is None or spec.weights.checksums, spec.id


def test_a_digest_is_taken_anew_when_the_file_changes(tmp_path: Path) -> None:
    path, store = tmp_path / "file", tmp_path / "store.json"
    path.write_bytes(b"one")
    first = Fingerprints(store)
    assert first.digest(path) == hashlib.sha256(b"one").hexdigest()
    first.save()
    path.write_bytes(b"two!")
    assert Fingerprints(store).digest(path) == hashlib.sha256(b"two!").hexdigest()
    store.write_text("not json")
    assert Fingerprints(store).digest(path) == hashlib.sha256(b"two!").hexdigest()


def test_what_two_builders_learn_is_kept_together(tmp_path: Path) -> None:
    one, two, store = tmp_path / "one", tmp_path / "two", tmp_path / "store.json"
    one.write_bytes(b"1")
    two.write_bytes(b"2")
    first, second = Fingerprints(store), Fingerprints(store)
    first.digest(one)
    second.learn(two, "0" * 64)
    first.save()
    second.save()
    assert set(json.loads(store.read_text())) == {str(one), str(two)}
    assert Fingerprints(store).digest(two) == "0" * 64  # as told: it was not read


# Reading files


def _state() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return MobileNetV1().state_dict()


@pytest.mark.parametrize("form", ["zip", "legacy", "safetensors", "data parallel", "under a key"])
def test_a_state_dict_loads_in_every_common_form(form: str, tmp_path: Path) -> None:
    state, path = _state(), tmp_path / "weights.pth"
    spec = dataclasses.replace(MOBILENET_V1, weights=dataclasses.replace(MOBILENET_V1.weights, state_dict_key="model"))
    if form == "safetensors":
        path = path.with_suffix(".safetensors")
        save_file(state, path)
    elif form == "data parallel":
        torch.save({f"module.{k}": v for k, v in state.items()}, path)
    elif form == "under a key":
        torch.save({"model": state, "epoch": 7}, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=form == "zip")
    network = MobileNetV1()
    fill(network, load_state_dict(path, spec), path, spec)
    assert all(torch.equal(v, state[k]) for k, v in network.state_dict().items())


def test_files_of_2018_without_batch_counters_load(tmp_path: Path) -> None:
    old = {k: v for k, v in _state().items() if not k.endswith("num_batches_tracked")}
    network = MobileNetV1()
    fill(network, old, tmp_path / "old.pth", MOBILENET_V1)
    assert torch.equal(network.state_dict()["classifier.bias"], old["classifier.bias"])


def test_missing_unknown_and_misshapen_keys_are_named(tmp_path: Path) -> None:
    state = _state()
    del state["classifier.bias"]
    state["extra.weight"] = torch.zeros(1)
    state["classifier.weight"] = torch.zeros(1000, 1024, 1, 1)
    with pytest.raises(ZooError, match="does not fit mobilenet_v1") as caught:
        fill(MobileNetV1(), state, tmp_path / "w.pth", MOBILENET_V1)
    got = caught.value.got
    assert "1 missing: classifier.bias" in got
    assert "1 not known: extra.weight" in got
    assert "1 of another shape: classifier.weight" in got


@pytest.mark.parametrize("content", [b"", b"not a pickle", b"PK\x03\x04 torn zip", b"\x80\x02}q\x00."])
def test_a_damaged_file_gives_one_clear_message(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(ZooError, match=r"weights file weights\.pth for mobilenet_v1"):
        fill(MobileNetV1(), load_state_dict(path, MOBILENET_V1), path, MOBILENET_V1)


def test_a_file_without_tensors_is_refused(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(ZooError, match="holds no state dict"):
        load_state_dict(tmp_path / "list.pth", MOBILENET_V1)


@pytest.fixture
def pickled_module(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Path, dict[str, Tensor]]:
    """A whole SSD-ResNet34 as MLPerf publishes it: pickled under the name models.ssd_r34.SSD_R34, which is gone when it is read."""
    module = types.ModuleType("models.ssd_r34")
    published = type("SSD_R34", (SsdResNet34,), {"__module__": "models.ssd_r34"})
    module.SSD_R34 = published  # type: ignore[attr-defined]
    sys.modules |= {"models": types.ModuleType("models"), "models.ssd_r34": module}
    try:
        network: nn.Module = published()
        path = tmp_path / "resnet34-ssd1200.pytorch"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the oldest format wants the class's source file, which does not exist
            torch.save(network, path, _use_new_zipfile_serialization=request.param == "zip")
    finally:
        del sys.modules["models"], sys.modules["models.ssd_r34"]
    return path, network.state_dict()


@pytest.mark.parametrize("pickled_module", ["zip", "legacy"], indirect=True)
def test_mlperfs_pickled_module_gives_its_tensors_without_its_class(
    pickled_module: tuple[Path, dict[str, Tensor]],
) -> None:
    path, wanted = pickled_module
    found = load_state_dict(path, SSD_RESNET34)
    assert found.keys() == wanted.keys()
    network = SsdResNet34()
    fill(network, found, path, SSD_RESNET34)
    assert all(torch.equal(v, wanted[k]) for k, v in network.state_dict().items())


class _Attack:
    """Pickles to a call of os.mkdir."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("new_format", [True, False])
def test_a_pickle_that_would_run_code_is_refused_and_runs_nothing(new_format: bool, tmp_path: Path) -> None:
    path, target = tmp_path / "weights.pth", tmp_path / "was-here"
    torch.save({"classifier.bias": _Attack(target)}, path, _use_new_zipfile_serialization=new_format)
    with pytest.raises(ZooError, match="cannot be read") as caught:
        load_state_dict(path, MOBILENET_V1)
    assert "mkdir" in caught.value.got
    assert "nothing was run" in caught.value.got
    assert "where it is trusted" in caught.value.next_step
    assert not target.exists()
