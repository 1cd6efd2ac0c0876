"""The CSV files: they open with the csv module, keep every digit, and never run as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import ZooError
from tests.support.runs import DEVICE, make_failed_run, make_run
from timings.columns import DEVICE_COLUMNS, RUN_COLUMNS
from timings.export import EXPORTS, _csv, write_all
from timings.records import Run
from timings.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(str(tmp_path / "runs.sqlite")) as opened:
        yield opened


def read(store: Store, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(EXPORTS[name](store)), newline=""), strict=True))


def named(name: str) -> Run:
    return make_run(device=DEVICE.model_copy(update={"device_name": name}))


def test_one_line_per_run_with_every_column(store: Store) -> None:
    run, failed = make_run(), make_failed_run(started_at="2026-03-02T00:00:00Z")
    store.add(run)
    store.add(failed)
    lines = read(store, "timings.csv")
    assert list(lines[0]) == [column.name for column in RUN_COLUMNS]
    assert [line["run_id"] for line in lines] == [run.run_id, failed.run_id]
    assert lines[0]["median_ms"] == "12.0"
    assert lines[0]["download_cached"] == "false"
    assert (lines[1]["mean_ms"], lines[1]["verified"], lines[1]["n"]) == ("", "", "0")
    assert lines[1]["error_message"] == "out of memory"


def test_one_line_per_sample_in_the_order_taken(store: Store) -> None:
    run = make_run(samples_ms=(3.25, 1.5, 2.125))
    store.add(run)
    lines = read(store, "samples.csv")
    assert [(line["sample"], line["start_ms"], line["duration_ms"]) for line in lines] == [
        ("1", "0.0", "3.25"),
        ("2", "3.25", "1.5"),
        ("3", "4.75", "2.125"),
    ]
    assert {(line["run_id"], line["model"], line["backend"], line["device_name"]) for line in lines} == {
        (run.run_id, "echo", "wasm", "Kim's laptop")
    }


def test_one_line_per_device(store: Store) -> None:
    store.add(make_run())
    store.add(make_run())
    (line,) = read(store, "devices.csv")
    assert list(line) == [*(column.name for column in DEVICE_COLUMNS), "runs", "first_run_at", "last_run_at"]
    assert (line["runs"], line["cores"], line["gpu_vendor"]) == ("2", "8", "")


def test_an_empty_store_gives_headings_only(store: Store) -> None:
    for name, export in EXPORTS.items():
        text = "".join(export(store))
        assert text.endswith("\r\n"), name
        assert text.count("\n") == 1, name


@given(value=st.floats(0, 6e9))
def test_numbers_keep_every_digit(value: float) -> None:
    heading, line = csv.reader(io.StringIO("".join(_csv(("x",), iter([(value,)]))), newline=""))
    assert heading == ["x"]
    assert float(line[0]) == value


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_name_is_never_a_formula(store: Store, start: str) -> None:
    name = f"{start}HYPERLINK(1)"
    store.add(named(name))
    for file in EXPORTS:
        assert read(store, file)[0]["device_name"] == f"'{name}"


def test_a_negative_number_is_no_formula() -> None:
    assert "".join(_csv(("x",), iter([(-1.5,), (-2,)]))) == "x\r\n-1.5\r\n-2\r\n"


@pytest.mark.parametrize("name", ['a "quoted", name', "two\nlines", "電話 📱", "semi;colon", "''"])
def test_names_survive(store: Store, name: str) -> None:
    store.add(named(name))
    assert read(store, "timings.csv")[0]["device_name"] == name


def test_many_lines_come_in_parts() -> None:
    parts = list(_csv(("a", "b"), (("x" * 100, i) for i in range(5_000))))
    assert 5 < len(parts) < 20
    assert len("".join(parts).splitlines()) == 5_001


def test_files_are_written_whole_and_in_utf_8(store: Store, tmp_path: Path) -> None:
    store.add(named("電話"))
    paths = write_all(store, tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["timings.csv", "samples.csv", "devices.csv"]
    assert "電話" in paths[0].read_text(encoding="utf-8")
    assert sorted(tmp_path.joinpath("new", "folder").iterdir()) == sorted(paths)


def test_a_folder_that_cannot_be_written_is_named(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ZooError, match="cannot be written") as caught:
        write_all(store, tmp_path / "file")
    assert "--out" in caught.value.next_step
