"""The cache of builds: what is read is what was stored, or nothing; what is used least recently goes first."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
import zipfile
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from builder.artefact import Artefact
from builder.cache import BuildCache
from tests.builder.commands import ROOT
from tests.support.artefacts import artefact


def _silent(text: str) -> None:
    raise AssertionError(f"nothing to note was expected, got {text!r}")


def _key(artefact: Artefact) -> str:
    return artefact.entry.build_key


def test_a_build_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    cache, one = BuildCache(tmp_path / "builds"), artefact()
    assert cache.take(_key(one), _silent) is None
    cache.store(one, _silent)
    assert cache.take(_key(one), _silent) == one
    assert [p.name for p in cache.folder.iterdir()] == [f"{_key(one)}.zip"]


@pytest.mark.parametrize("where", [0, 0.1, 0.5, 0.9, 0.999])
def test_a_damaged_build_is_dropped_with_a_note(where: float, tmp_path: Path) -> None:
    """A bit flipped anywhere, or the end cut off."""
    cache, one = BuildCache(tmp_path), artefact(size=5000)
    cache.store(one, _silent)
    path = tmp_path / f"{_key(one)}.zip"
    content = path.read_bytes()
    place = int(len(content) * where)
    for damaged in (content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :], content[:place]):
        path.write_bytes(damaged)
        notes: list[str] = []
        found = cache.take(_key(one), notes.append)
        # A bit of a member's date or attributes changes nothing that is read.
        assert found == one or (found is None and len(notes) == 1 and "damaged" in notes[0])
        assert path.exists() == (found is not None)
    assert cache.take(_key(one), _silent) is None


def test_content_with_another_hash_is_never_given_out(tmp_path: Path) -> None:
    """Also where the container itself is sound."""
    cache, one = BuildCache(tmp_path), artefact()
    name = one.entry.variants[0].path
    cache.store(Artefact(one.entry, {**one.files, name: b"something else"}), _silent)
    notes: list[str] = []
    assert cache.take(_key(one), notes.append) is None
    assert f"{name} has another sha256" in notes[0]
    assert list(tmp_path.iterdir()) == []


def test_a_build_under_another_key_is_not_taken(tmp_path: Path) -> None:
    cache, one = BuildCache(tmp_path), artefact()
    cache.store(one, _silent)
    (tmp_path / f"{_key(one)}.zip").rename(tmp_path / f"{'0' * 64}.zip")
    notes: list[str] = []
    assert cache.take("0" * 64, notes.append) is None
    assert "it holds the build" in notes[0]


def test_what_was_used_least_recently_goes_first(tmp_path: Path) -> None:
    cache = BuildCache(tmp_path, limit=50_000)
    many = [artefact(name=f"model_{i}", size=20_000) for i in range(3)]
    for place, one in enumerate(many[:2]):
        cache.store(one, _silent)
        os.utime(tmp_path / f"{_key(one)}.zip", (place, place))
    assert cache.take(_key(many[0]), _silent)
    cache.store(many[2], _silent)
    assert [cache.take(_key(one), _silent) is not None for one in many] == [True, False, True]


def test_a_build_greater_than_the_limit_is_kept_alone(tmp_path: Path) -> None:
    cache = BuildCache(tmp_path, limit=10)
    cache.store(artefact(name="one"), _silent)
    cache.store(artefact(name="two"), _silent)
    assert [p.name for p in tmp_path.glob("*.zip")] == [f"{_key(artefact(name='two'))}.zip"]


def test_a_cache_that_cannot_be_written_is_noted(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache, notes = BuildCache(tmp_path / "file" / "builds"), list[str]()
    cache.store(artefact(), notes.append)
    assert len(notes) == 1
    assert "is not kept in the cache" in notes[0]
    with cache.reserved("a" * 64, lambda: None):
        pass


def test_clearing_leaves_nothing(tmp_path: Path) -> None:
    cache, one = BuildCache(tmp_path), artefact()
    with cache.reserved(_key(one), lambda: None):
        cache.store(one, _silent)
    assert cache.clear() == [str(tmp_path / f"{_key(one)}.zip")]
    assert list(tmp_path.iterdir()) == []


def _hold(folder: Path, key: str, holding: Event) -> None:
    with BuildCache(folder).reserved(key, lambda: None):
        holding.set()
        time.sleep(60)


def test_the_second_waits_for_the_first_even_if_that_one_is_killed(tmp_path: Path) -> None:
    key = "a" * 64
    context = multiprocessing.get_context("spawn")
    holding = context.Event()
    process = context.Process(target=_hold, args=(tmp_path, key, holding))
    process.start()
    try:
        assert holding.wait(30)
        waited: list[float] = []

        def told() -> None:
            waited.append(time.monotonic())
            assert process.pid
            os.kill(process.pid, signal.SIGKILL)

        with BuildCache(tmp_path).reserved(key, told):
            assert len(waited) == 1
    finally:
        process.kill()
        process.join()


def test_a_kill_while_storing_leaves_no_entry_and_the_next_builder_tidies(tmp_path: Path) -> None:
    """Killed at several moments of a store that takes a while."""
    program = (
        "import sys; from pathlib import Path; from builder.cache import BuildCache; "
        "from tests.support.artefacts import artefact; big = artefact(size=200_000_000); "
        "print('now', flush=True); BuildCache(Path(sys.argv[1])).store(big, print)"
    )
    left_over = 0
    for delay in (0.0, 0.02, 0.05, 0.1):
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout
        assert process.stdout.readline() == "now\n"
        time.sleep(delay)
        process.kill()
        process.wait()
        process.stdout.close()
        left_over += len(list(tmp_path.glob(".*.partial")))
        for path in tmp_path.glob("*.zip"):
            assert BuildCache(tmp_path).take(path.stem, _silent)
        BuildCache(tmp_path).tidy()
        assert not list(tmp_path.glob(".*.partial"))
    assert left_over > 0


def test_a_live_builders_temporary_file_is_not_tidied_away(tmp_path: Path) -> None:
    from builder.files import replaced

    with replaced(tmp_path / "entry.zip") as temporary:
        BuildCache(tmp_path).tidy()
        assert temporary.exists()
        temporary.write_bytes(b"whole")
    assert (tmp_path / "entry.zip").read_bytes() == b"whole"


def test_an_entry_is_a_plain_archive(tmp_path: Path) -> None:
    one = artefact()
    BuildCache(tmp_path).store(one, _silent)
    with zipfile.ZipFile(tmp_path / f"{_key(one)}.zip") as file:
        assert sorted(file.namelist()) == sorted(["entry.json", *one.files])
