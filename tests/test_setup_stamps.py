"""When a step of set-up is done, and when it is done again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from scripts.serving import ROOT
from scripts.stamps import Step, digest, ensure


class Work:
    """A step's work that counts how often it was done. It makes one file."""

    def __init__(self, product: Path) -> None:
        self.product = product
        self.times = 0

    def __call__(self) -> Sequence[Path]:
        self.times += 1
        self.product.write_text(f"made {self.times}")
        return [self.product]


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path / "product")


@pytest.fixture
def stamps(tmp_path: Path) -> Path:
    return tmp_path / "stamps"


def test_a_step_is_done_once(work: Work, stamps: Path) -> None:
    assert ensure(Step("step", "key", work), stamps)
    assert not ensure(Step("step", "key", work), stamps)
    assert work.times == 1


def test_another_key_means_again(work: Work, stamps: Path) -> None:
    ensure(Step("step", "key", work), stamps)
    assert ensure(Step("step", "another", work), stamps)
    assert ensure(Step("step", "key", work), stamps)


def test_steps_do_not_vouch_for_each_other(work: Work, stamps: Path) -> None:
    ensure(Step("one", "key", work), stamps)
    assert ensure(Step("two", "key", work), stamps)


@pytest.mark.parametrize("lose", [lambda path: path.unlink(), lambda path: path.write_text("something else")])
def test_a_product_that_is_gone_or_replaced_means_again(
    work: Work, stamps: Path, lose: Callable[[Path], object]
) -> None:
    ensure(Step("step", "key", work), stamps)
    lose(work.product)
    assert ensure(Step("step", "key", work), stamps)


def test_a_step_that_was_broken_off_is_done_again(work: Work, stamps: Path) -> None:
    def break_off() -> Sequence[Path]:
        raise KeyboardInterrupt

    ensure(Step("step", "key", work), stamps)
    with pytest.raises(KeyboardInterrupt):
        ensure(Step("step", "new", break_off), stamps)
    assert ensure(Step("step", "key", work), stamps)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"key": "key"}', b'{"key": "key", "products": [1]}', b"\xff"])
def test_a_damaged_stamp_vouches_for_nothing(work: Work, stamps: Path, content: bytes) -> None:
    stamps.mkdir()
    (stamps / "step.json").write_bytes(content)
    assert ensure(Step("step", "key", work), stamps)


def test_a_digest_covers_texts_contents_and_absence(tmp_path: Path) -> None:
    file = tmp_path / "file"
    absent = digest("a", file)
    file.write_text("one")
    one = digest("a", file)
    file.write_text("two")
    assert len({absent, one, digest("a", file), digest("b", file), digest("a"), digest(file, "a")}) == 6
    file.write_text("one")
    assert digest("a", file) == one


def test_two_set_ups_of_one_folder_take_turns(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from scripts.stamps import one_at_a_time
with one_at_a_time(Path(sys.argv[1])), Path(sys.argv[2]).open("a", buffering=1) as log:
    print("in", file=log)
    print("in", flush=True)
    sys.stdin.readline()
    print("out", file=log)
"""
    log = tmp_path / "log"
    command = [sys.executable, "-c", script, str(tmp_path / "stamps"), str(log)]
    pipe = subprocess.PIPE
    first = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
    assert first.stdout is not None
    assert first.stdout.readline() == "in\n"
    second = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stderr=pipe, text=True)
    assert second.stderr is not None
    # The first goes on only when the second has said that it waits, so the order holds however slowly either starts.
    assert second.stderr.readline() == "set-up: waiting for another set-up of this folder to end\n"
    first.communicate("go on\n", timeout=60)
    second.communicate("go on\n", timeout=60)
    assert [first.returncode, second.returncode] == [0, 0]
    assert log.read_text().split() == ["in", "out", "in", "out"]
