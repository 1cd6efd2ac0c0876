"""Builds on a real Dask cluster of two worker processes, one of which is killed; and every way in which a cluster is of no use."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from builder import manifest
from builder.files import sha256_of
from tests.builder.commands import ROOT, contents
from tests.support.tiny_networks import tiny
from tests.support.tiny_spec import build_tiny, finished, signs_in

pytest.importorskip("distributed", reason="needs Dask: pip install -r requirements.lock")

from tests.support.dask_cluster import DaskCluster, dask_cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """A scheduler that gives up on a task when it has cost two workers, and two workers that a nanny starts again."""
    with dask_cluster(tmp_path_factory.mktemp("dask") / "cluster", allowed_failures=1) as running:
        running.start_worker()
        running.start_worker()
        running.wait_for(2)
        yield running


@pytest.fixture
def signs(tmp_path: Path) -> Path:
    """Where held builds say that they run, and wait for a file "go"."""
    folder = tmp_path / "signs"
    folder.mkdir()
    return folder


def test_a_build_goes_on_when_a_worker_is_killed(cluster: DaskCluster, signs: Path, tmp_path: Path) -> None:
    """The worker's model is built by the other one; stages are told as they happen; failures stay with their model."""
    out, cache = tmp_path / "models", tmp_path / "cache"
    names = (f"one:held:{signs}", "two:tiny", f"bad:wrong:{signs}")
    process = build_tiny(out, *names, cache=cache, scheduler=cluster.address)
    (first,) = signs_in(signs, 1, process)
    os.kill(first, signal.SIGKILL)
    assert [pid for pid in signs_in(signs, 2, process) if pid != first]
    (signs / "go").touch()
    status, said = finished(process)
    assert status == 1, said
    assert [m.id for m in manifest.read(out).models] == ["one", "two"]
    assert "bad, stage load: RuntimeError" in said
    assert "two: export" in said
    assert said.strip().splitlines()[-1] == "built 2, failed 1: bad"
    assert "Traceback" not in said

    # It is the same build as one made here.
    here = tmp_path / "here"
    assert finished(build_tiny(here, "two:tiny", cache=tmp_path / "other-cache"))[0] == 0
    assert contents(here, "two/*.onnx") == contents(out, "two/*.onnx")
    assert manifest.read(here).models[0].build_key == manifest.read(out).models[1].build_key
    # And what a cluster has built is in the cache.
    again = finished(build_tiny(tmp_path / "again", "two:tiny", cache=cache, scheduler=cluster.address))
    assert again[1].strip().splitlines()[-1] == "from the cache 1"


def test_a_build_that_kills_its_workers_fails_alone(cluster: DaskCluster, signs: Path, tmp_path: Path) -> None:
    cluster.wait_for(2)
    out = tmp_path / "models"
    process = build_tiny(out, f"dead:deadly:{signs}", "one:tiny", cache=tmp_path / "cache", scheduler=cluster.address)
    status, said = finished(process, timeout=240)
    assert status == 1, said
    assert "dead: its build has ended every worker that tried it" in said
    assert "want of memory" in said
    assert said.strip().splitlines()[-1] == "built 1, failed 1: dead"
    assert [m.id for m in manifest.read(out).models] == ["one"]
    assert len(list(signs.iterdir())) == 2


def test_weights_that_a_worker_lacks_are_sent_to_it(cluster: DaskCluster, tmp_path: Path) -> None:
    """As on another machine, where the builder's path leads nowhere."""
    cluster.wait_for(2)
    folder = tmp_path / "weights"
    folder.mkdir()
    torch.manual_seed(1)
    torch.save(tiny().state_dict(), folder / "one.pth")
    digest = sha256_of(folder / "one.pth")
    # A path that exists for the builder and not for the workers: the descriptor that only the builder has.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        process = build_tiny(
            tmp_path / "models",
            "one:tiny",
            cache=tmp_path / "cache",
            weights="pretrained",
            scheduler=cluster.address,
            env={"ZOO_WEIGHTS_DIR": f"/proc/self/fd/{descriptor}"},
            keep=(descriptor,),
        )
        status, said = finished(process)
    finally:
        os.close(descriptor)
    assert status == 0, said
    (entry,) = manifest.read(tmp_path / "models").models
    assert (entry.weights.kind, entry.weights.sha256) == ("pretrained", digest)
    shipped = [p for number in (0, 1) for p in cluster.cache_of(number).glob("shipped/*/*")]
    assert shipped
    assert all((p.name, p.parent.name, sha256_of(p)) == ("one.pth", digest, digest) for p in shipped)


def test_workers_with_other_tools_are_refused(tmp_path: Path) -> None:
    """A worker whose safetensors says that it is of another version."""
    with dask_cluster(tmp_path / "cluster") as running:
        odd = tmp_path / "odd" / "safetensors-0.0.1.dist-info"
        odd.mkdir(parents=True)
        (odd / "METADATA").write_text("Metadata-Version: 2.1\nName: safetensors\nVersion: 0.0.1\n")
        running.start_worker("--no-nanny", env={"PYTHONPATH": str(odd.parent)})
        running.wait_for(1)
        status, said = finished(
            build_tiny(tmp_path / "models", "one:tiny", cache=tmp_path / "cache", scheduler=running.address)
        )
    assert status == 1
    assert "1 of 1 workers" in said
    assert "safetensors 0.0.1, here " in said
    assert "requirements.lock" in said
    assert "Traceback" not in said


def test_a_cluster_without_the_project_or_without_workers_is_refused(tmp_path: Path) -> None:
    with dask_cluster(tmp_path / "cluster") as running:
        cache = tmp_path / "cache"
        status, said = finished(build_tiny(tmp_path / "models", "one:tiny", cache=cache, scheduler=running.address))
        assert status == 1
        assert "has no worker" in said
        assert f"python -m dask worker {running.address} --nthreads 1" in said
        running.start_worker("--no-nanny", cwd=tmp_path)
        running.wait_for(1)
        status, said = finished(build_tiny(tmp_path / "models", "one:tiny", cache=cache, scheduler=running.address))
        assert status == 1
        assert "cannot build what this machine would" in said
        assert "No module named 'builder'" in said
        assert "Traceback" not in said


@pytest.fixture
def silent_server() -> Iterator[str]:
    """The address of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def other_server() -> Iterator[str]:
    """The address of a server that is no Dask scheduler, and says so at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.sendall(b"220 mail.example ready, this is no scheduler\r\n" * 10)

        thread = threading.Thread(target=greet)
        thread.start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense://there", "silent_server", "other_server"])
def test_a_scheduler_that_cannot_be_reached_is_one_message_soon(
    address: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    address = address if "://" in address else request.getfixturevalue(address)
    began = time.monotonic()
    status, said = finished(
        build_tiny(tmp_path / "models", "one:tiny", cache=tmp_path / "cache", scheduler=address), timeout=60
    )
    assert status == 1, said
    assert said.count("error: ") == 1
    assert f"the Dask scheduler {address} cannot be reached" in said
    assert "Traceback" not in said
    assert time.monotonic() - began < 30


def test_a_scheduler_that_goes_away_fails_what_is_left(signs: Path, tmp_path: Path) -> None:
    with dask_cluster(tmp_path / "cluster") as running:
        running.start_worker("--no-nanny")
        running.wait_for(1)
        process = build_tiny(
            tmp_path / "models", f"one:held:{signs}", cache=tmp_path / "cache", scheduler=running.address
        )
        signs_in(signs, 1, process)
        running.scheduler.kill()
        status, said = finished(process, timeout=60)
        (signs / "go").touch()
    assert status == 1, said
    assert "one: the Dask scheduler went away" in said
    assert said.count("error: ") == 1
    assert said.strip().splitlines()[-1] == "failed 1: one"
    assert "Traceback" not in said


def test_without_the_package_it_says_how_to_get_it(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['distributed'] = None; from pathlib import Path; "
        "from builder.build_all import Options, build_all; from builder.errors import ZooError; "
        "from builder.progress import Display; from tests.support.tiny_spec import tiny_spec\n"
        "try: build_all([tiny_spec()], Options(Path(sys.argv[1]), 'seeded', 1, 'tcp://127.0.0.1:9'), Display())\n"
        "except ZooError as error: sys.exit(f'error: {error}')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "models")],
        cwd=ROOT,
        env={**os.environ, "ZOO_CACHE_DIR": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "needs the package distributed" in done.stderr
    assert "requirements.lock" in done.stderr
