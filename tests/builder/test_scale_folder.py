"""One output folder, several builders, kills at any moment, a full disk: manifest and files agree at all times."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder import manifest
from builder.artefact import Artefact
from builder.errors import ZooError
from builder.fingerprints import Fingerprints
from builder.output import OutputFolder, locked, prepare
from builder.records import Observation
from tests.builder.commands import ROOT, contents
from tests.support.artefacts import artefact

# argv: folder, name, rounds. Puts builds with changing content, one after another.
_BUILDER = """
import sys
from pathlib import Path
from builder.output import OutputFolder, prepare
from tests.support.artefacts import artefact

out, name, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for i in range(rounds):
    prepare(out)
    OutputFolder(out, ()).put(artefact(name, content=f"{name} {i} ".encode(), size=300_000))
    print(i, flush=True)
"""


def _builder(out: Path, name: str, rounds: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _BUILDER, str(out), name, str(rounds)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def _put(out: Path, one: Artefact) -> None:
    OutputFolder(out, ()).put(one)


def _assert_whole(out: Path) -> list[str]:
    """Every file that the manifest names is there with its content; the ids of the models."""
    models = manifest.read(out).models
    for model in models:
        assert OutputFolder(out, ()).damage(model, Fingerprints(out / "none.json")) is None
    return [m.id for m in models]


def test_a_build_is_put_with_all_its_files(tmp_path: Path) -> None:
    one = artefact()
    entry = OutputFolder(tmp_path, ()).put(one)
    assert entry == one.entry == manifest.read(tmp_path).models[0]
    assert contents(tmp_path) == one.files


def test_changed_content_never_overwrites_a_file_that_the_manifest_names(tmp_path: Path) -> None:
    """A server that has read the old manifest still finds the old file until the new manifest is there."""
    _put(tmp_path, artefact())
    entry = OutputFolder(tmp_path, ()).put(artefact(content=b"other"))
    assert entry.variants[0].path == f"model/fp32-{entry.variants[0].sha256[:8]}.onnx"
    assert _assert_whole(tmp_path) == ["model"]
    assert not (tmp_path / "model" / "fp32.onnx").exists()
    assert OutputFolder(tmp_path, ()).put(artefact()).variants[0].path == "model/fp32.onnx"


def test_models_stand_in_the_catalogues_order_and_others_after_them(tmp_path: Path) -> None:
    for name in ("own", "second", "first"):
        OutputFolder(tmp_path, ("first", "second")).put(artefact(name))
    assert _assert_whole(tmp_path) == ["first", "second", "own"]


def test_an_observation_stays_as_long_as_the_files_content(tmp_path: Path) -> None:
    _put(tmp_path, artefact())
    entry = manifest.read(tmp_path).models[0]
    seen = Observation(
        browser="firefox",
        browser_version="1",
        runtime_version="1",
        backend="wasm",
        status="runs",
        fallback=None,
        verification=None,
        message=None,
    )
    variant = entry.variants[0].model_copy(update={"observations": (seen,)})
    OutputFolder(tmp_path, ()).commit(entry.model_copy(update={"variants": (variant,)}))
    assert manifest.read(tmp_path).models[0].variants[0].observations == (seen,)
    assert OutputFolder(tmp_path, ()).put(artefact(title="New title")).variants[0].observations == (seen,)
    assert OutputFolder(tmp_path, ()).put(artefact(content=b"other")).variants[0].observations == ()


def test_an_entry_of_files_that_are_gone_is_not_committed(tmp_path: Path) -> None:
    _put(tmp_path, artefact())
    old = manifest.read(tmp_path).models[0]
    _put(tmp_path, artefact(content=b"another length"))
    with pytest.raises(ZooError, match="was built anew meanwhile"):
        OutputFolder(tmp_path, ()).commit(old)
    assert _assert_whole(tmp_path) == ["model"]


def test_two_builders_at_once_lose_nothing(tmp_path: Path) -> None:
    """Three processes: two models and, at the same time, one of them twice."""
    builders = [_builder(tmp_path, name, 25) for name in ("one", "two", "two")]
    reads = 0
    while any(b.poll() is None for b in builders):
        if (tmp_path / manifest.FILE_NAME).exists():
            manifest.read(tmp_path)
            reads += 1
    assert [b.communicate()[0].count("\n") for b in builders] == [25, 25, 25]
    assert [b.returncode for b in builders] == [0, 0, 0]
    assert reads > 0
    assert _assert_whole(tmp_path) == ["one", "two"]
    named = {file.path for model in manifest.read(tmp_path).models for file in model.files()}
    assert set(contents(tmp_path)) == named


@pytest.mark.parametrize("moment", range(8))
def test_a_kill_at_any_moment_leaves_a_whole_folder(moment: int, tmp_path: Path) -> None:
    _put(tmp_path, artefact("kept"))
    _put(tmp_path, artefact("one"))
    process = _builder(tmp_path, "one", 1000)
    assert process.stdout
    assert process.stdout.readline() == "0\n"
    time.sleep(0.013 * moment)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert _assert_whole(tmp_path) == ["kept", "one"]
    prepare(tmp_path)
    assert not list(tmp_path.rglob(".*.partial"))
    _put(tmp_path, artefact("one", content=b"after"))
    assert _assert_whole(tmp_path) == ["kept", "one"]


def test_a_builder_waits_while_another_holds_the_folder(tmp_path: Path) -> None:
    with locked(tmp_path):
        process = _builder(tmp_path, "one", 1)
        time.sleep(2)
        assert process.poll() is None
        assert not (tmp_path / manifest.FILE_NAME).exists()
    assert process.communicate(timeout=60)[0] == "0\n"
    assert _assert_whole(tmp_path) == ["one"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or not shutil.which("mount") or subprocess.run(command, check=False).returncode:
        pytest.skip("needs the right to mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_what_was_there(small_disk: Path) -> None:
    _put(small_disk, artefact("kept"))
    before = contents(small_disk, "**/*")
    with pytest.raises(ZooError, match=r"great/fp32\.onnx cannot be written") as caught:
        _put(small_disk, artefact("great", size=2_000_000))
    assert caught.value.got == "No space left on device"
    after = contents(small_disk, "**/*")
    assert after == before
    _put(small_disk, artefact("small"))
    assert _assert_whole(small_disk) == ["kept", "small"]


def test_a_disk_that_is_full_at_the_last_moment_leaves_what_was_there(small_disk: Path) -> None:
    """There is room for the model's files, but not for the manifest."""
    for i in range(8):
        _put(small_disk, artefact(f"kept_{i}"))
    before = contents(small_disk, "**/*")
    usage = shutil.disk_usage(small_disk)
    with pytest.raises(ZooError, match=r"manifest\.json cannot be written"):
        _put(small_disk, artefact("great", size=usage.free - 4 * 4096 - 4096))
    assert contents(small_disk, "**/*") == before


def test_a_file_of_the_users_is_neither_overwritten_nor_removed(tmp_path: Path) -> None:
    """As where `add` is given a file that lies in the folder that the model gets."""
    for name in ("model.onnx", "fp32.onnx"):
        (tmp_path / "model").mkdir(exist_ok=True)
        (tmp_path / "model" / name).write_bytes(b"the user's own")
    _put(tmp_path, artefact())
    _put(tmp_path, artefact(content=b"other"))
    removed = OutputFolder(tmp_path, ()).clean()
    assert str(tmp_path / manifest.FILE_NAME) in removed
    assert contents(tmp_path) == {"model/fp32.onnx": b"the user's own", "model/model.onnx": b"the user's own"}


def test_clean_leaves_folders_that_were_never_built(tmp_path: Path) -> None:
    (tmp_path / "resnet50").mkdir()
    (tmp_path / "resnet50" / "my_checkpoint.pth").write_bytes(b"weeks of training")
    _put(tmp_path, artefact())
    assert str(tmp_path / "model") in OutputFolder(tmp_path, ("resnet50",)).clean()
    assert contents(tmp_path) == {"resnet50/my_checkpoint.pth": b"weeks of training"}
    assert not (tmp_path / "model").exists()


def test_a_manifest_that_cannot_be_read_is_kept(tmp_path: Path) -> None:
    for expected in ("manifest.json.unreadable", "manifest.json.unreadable.1"):
        (tmp_path / manifest.FILE_NAME).write_text('{"schema_version": 1}')
        with pytest.raises(ZooError, match="is not a manifest of this version"):
            _put(tmp_path, artefact())
        assert OutputFolder(tmp_path, ()).set_aside_unreadable() == tmp_path / expected
    assert OutputFolder(tmp_path, ()).set_aside_unreadable() is None
    _put(tmp_path, artefact())
    assert _assert_whole(tmp_path) == ["model"]


@pytest.mark.parametrize(("content", "problem"), [(None, "is missing"), ("stale", "is not that of the build")])
def test_a_card_is_mended_without_a_build(content: str | None, problem: str, tmp_path: Path) -> None:
    _put(tmp_path, artefact())
    card = tmp_path / "model" / "card.md"
    before = card.read_bytes()
    card.unlink() if content is None else card.write_text(content)
    folder = OutputFolder(tmp_path, ())
    (entry,) = folder.added()
    assert folder.mend_card(entry) == f"model/card.md {problem}"
    assert card.read_bytes() == before
    assert folder.mend_card(entry) is None
