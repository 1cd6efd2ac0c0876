"""Timings against a baseline: what is read, which verdict, what fails a build, and how often chance alone would."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builder.errors import ZooError
from tests.support.runs import DEVICE, make_failed_run, make_run
from timings.baseline import Baseline, Case, Level, Verdict, _ratio, against, case_of, in_words, read_baseline
from timings.comparison import LEVEL
from timings.export import write_runs_csv
from timings.records import Run
from timings.statistics import summarise

TEN = (10.0, 10.1, 9.9, 10.2, 9.8, 10.0, 10.1, 9.9)
VERSION_1 = (
    "run_id,started_at,device_id,device_name,browser,browser_version,platform,model,variant,weights,model_sha256,model_bytes,"
    "backend,threads,runtime,runtime_version,n,mean_ms,sd_ms,median_ms,warnings,error_stage,error_message\n"
    "07c77da1,2026-11-21T12:14:59.729Z,17b031c0,vm chromium,Chromium,156.0,Linux,resnet50,fp32,seeded,07e0b0d9,102137527,"
    "wasm,2,onnxruntime-web,1.30.0,30,207.8,17.4,210.98,,,\n"
    "07c77da2,2026-11-21T12:15:59.729Z,17b031c0,vm chromium,Chromium,156.0,Linux,resnet50,fp32,seeded,07e0b0d9,102137527,"
    "webgpu,1,onnxruntime-web,1.30.0,0,,,,,session,no adapter\n"
)


def times(factor: float) -> tuple[float, ...]:
    return tuple(factor * duration for duration in TEN)


def named(name: str, **changes: Any) -> Any:
    return DEVICE.model_copy(update={"device_name": name, **changes})


@pytest.fixture
def baseline(tmp_path: Path) -> Callable[..., Baseline]:
    def make(*runs: Run) -> Baseline:
        write_runs_csv(runs, tmp_path / "timings.csv")
        return read_baseline(tmp_path / "timings.csv")

    return make


Make = Callable[..., Baseline]


def one(baseline: Baseline, runs: Sequence[Run], limit: float = 0.1) -> Verdict:
    (verdict,) = against(baseline, runs, limit)
    return verdict


@pytest.mark.parametrize(
    ("factor", "limit", "word", "fails"),
    [
        (1.3, 0.1, "slower", True),
        (1.3, 0.5, "slower", False),
        (1.08, 0.1, "slower", False),
        (1.02, 0.0, "no difference shown", False),  # sessions of one model differ by as much
        (1.0, 0.0, "no difference shown", False),
        (0.7, 0.1, "faster", False),
    ],
)
def test_the_verdict_and_whether_it_fails(baseline: Make, factor: float, limit: float, word: str, fails: bool) -> None:
    verdict = one(baseline(make_run(samples_ms=TEN)), [make_run(samples_ms=times(factor))], limit)
    assert (verdict.word, verdict.fails) == (word, fails)
    assert verdict.ratio == pytest.approx(factor)
    assert verdict.case == Case("Kim's laptop", "echo", "fp32", "wasm-8")


def test_the_interval_is_made_from_both(baseline: Make) -> None:
    # Of eight samples the first and the last bound the median: 9.8 to 10.2, and twice that.
    interval = one(baseline(make_run(samples_ms=TEN)), [make_run(samples_ms=times(2))]).interval
    assert interval is not None
    half = np.hypot(np.log(10.0 / 9.8), np.log(10.2 / 10.0))
    assert interval.low == pytest.approx(2 / np.exp(half), rel=1e-12)
    assert interval.high == pytest.approx(2 * np.exp(half), rel=1e-12)


def test_a_slow_median_within_wide_intervals_fails_nothing(baseline: Make) -> None:
    wide = (5.0, 6.0, 8.0, 9.0, 14.0, 15.0, 30.0, 40.0)
    verdict = one(baseline(make_run(samples_ms=TEN)), [make_run(samples_ms=wide)])
    assert verdict.ratio == pytest.approx(1.15)
    assert (verdict.word, verdict.fails) == ("no difference shown", False)


def test_a_coarse_clock_shows_no_step_as_a_difference(baseline: Make) -> None:
    coarse = named("Kim's laptop", timer_step_ms=1.0)
    before, now = (make_run(samples_ms=(ms,) * 20, device=coarse) for ms in (5.0, 6.0))
    assert one(baseline(before), [now]).word == "no difference shown"
    fine = [make_run(samples_ms=(ms,) * 20) for ms in (5.0, 6.0)]
    assert one(baseline(fine[0]), fine[1:]).fails


def test_times_of_zero_show_no_difference(baseline: Make) -> None:
    nothing = (0.0,) * 10 + (1.0,)
    for before, now in ((nothing, TEN), (TEN, nothing), (nothing, nothing)):
        verdict = one(baseline(make_run(samples_ms=before)), [make_run(samples_ms=now)])
        assert (verdict.word, verdict.interval, verdict.fails) == ("no difference shown", None, False)


def test_fewer_than_six_samples_show_no_difference_and_say_why(baseline: Make) -> None:
    verdict = one(baseline(make_run(samples_ms=TEN)), [make_run(samples_ms=(50.0,) * 5)])
    assert (verdict.word, verdict.fails) == ("no difference shown", False)
    assert verdict.ratio == pytest.approx(5)
    assert "fewer than 6 samples" in in_words(verdict)


def test_missing_new_and_failed(baseline: Make) -> None:
    before = baseline(make_run(model="gone", samples_ms=TEN), make_run(model="broke", samples_ms=TEN))
    now = [make_failed_run(model="broke"), make_run(model="broke", samples_ms=TEN), make_run(model="fresh")]
    words = {v.case.model: (v.word, v.fails) for v in against(before, now, 0.1)}
    assert words == {"gone": ("missing", True), "broke": ("failed", True), "fresh": ("new", False)}
    (broke,) = (v for v in against(before, now, 0.1) if v.word == "failed")
    assert "1 of 2 runs failed" in in_words(broke)
    assert "out of memory" in in_words(broke)


def test_what_failed_in_the_baseline_is_not_missed(baseline: Make) -> None:
    before = baseline(make_failed_run(backend="webgpu", threads=1))
    assert against(before, [], 0.1) == ()
    assert one(before, [make_run(backend="webgpu", threads=1)]).word == "new"
    assert one(before, [make_failed_run(backend="webgpu", threads=1)]).fails


@pytest.mark.parametrize(
    ("change", "says"),
    [({"model_sha256": "b" * 64}, "another model_sha256: aaaaaaaaaaaa then, bbbbbbbbbbbb now"),
     ({"weights": "pretrained"}, "other weights: seeded then, pretrained now")],
)  # fmt: skip
def test_other_files_are_not_compared(baseline: Make, change: dict[str, Any], says: str) -> None:
    verdict = one(baseline(make_run(samples_ms=TEN)), [make_run(samples_ms=times(3), **change)])
    assert (verdict.word, verdict.fails, verdict.ratio, verdict.notes) == ("not comparable", False, None, (says,))


def test_of_a_long_baseline_the_runs_of_the_same_file_count(baseline: Make) -> None:
    before = baseline(make_run(samples_ms=times(9), model_sha256="b" * 64), make_run(samples_ms=TEN))
    assert one(before, [make_run(samples_ms=TEN)]).ratio == 1


def test_several_runs_are_combined_by_the_median_of_medians_and_the_widest_interval(baseline: Make) -> None:
    before = baseline(*(make_run(samples_ms=times(factor)) for factor in (1, 1.5, 4)))
    verdict = one(before, [make_run(samples_ms=times(1.5))])
    assert verdict.then is not None
    combined = verdict.then
    assert (combined.median_ms, combined.low_ms, combined.runs) == (15.0, 9.8, 3)
    assert combined.high_ms == pytest.approx(40.8)
    assert "3 runs then: the median of their medians" in in_words(verdict)
    assert verdict.word == "no difference shown"


def test_cases_are_told_apart_by_device_variant_backend_and_threads(baseline: Make) -> None:
    runs = [
        make_run(samples_ms=TEN),
        make_run(samples_ms=TEN, threads_requested=1, threads=1),
        make_run(samples_ms=TEN, variant="int8"),
        make_run(samples_ms=TEN, backend="webgpu", threads=1),
        make_run(samples_ms=TEN, backend="webnn", device_type="cpu", threads=1),
        make_run(samples_ms=TEN, device=named("phone")),
    ]
    verdicts = against(baseline(*runs), runs, 0.1)
    labels = ["wasm-8", "webgpu", "webnn-cpu", "wasm-1", "int8 wasm-8"]
    assert [v.word for v in verdicts] == ["no difference shown"] * 6
    assert {v.case.label for v in verdicts} == {f"echo {label}" for label in labels}
    assert {v.case.device for v in verdicts} == {"Kim's laptop", "phone"}


def test_threads_that_were_asked_for_and_did_not_run_are_noted(baseline: Make) -> None:
    verdict = one(baseline(make_run(samples_ms=TEN)), [make_run(samples_ms=times(5), threads=1)])
    assert verdict.fails
    assert "threads was 8, is 1" in verdict.notes


def test_what_has_changed_and_what_is_doubtful_is_noted(baseline: Make) -> None:
    doubt = [{"code": "background_load", "message": "other programs"}]
    now = make_run(
        samples_ms=TEN, warnings=doubt, device=named("Kim's laptop", browser_version="157", emulated="Pixel 7")
    )
    notes = one(baseline(make_run(samples_ms=TEN)), [now]).notes
    assert notes == (
        "browser_version was 156.0.0.0, is 157",
        "emulated was no, is Pixel 7",
        "doubts now: background_load",
    )


@pytest.mark.parametrize("name", ["=1+1", "@me", "\tx", 'a "quoted", name', "two\r\nlines", "電話 📱", "'", "''x"])
def test_names_come_back_from_the_file(baseline: Make, name: str) -> None:
    run = make_run(samples_ms=TEN, device=named(name))
    assert one(baseline(run), [run]).case.device == name


def test_a_file_of_version_0_1(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text(VERSION_1)
    before = read_baseline(tmp_path / "old.csv")
    assert [entry.case.label for entry in before.entries] == ["resnet50 wasm-2", "resnet50 webgpu"]
    assert (before.entries[0].median_ms, before.entries[0].low_ms) == (210.98, None)
    assert before.entries[1].failure == "session: no adapter"
    now = make_run(
        samples_ms=times(40), device=named("vm chromium"), model="resnet50", model_sha256="07e0b0d9" * 8, threads_requested=2, threads=2
    )  # fmt: skip
    assert one(before, [now]).word == "not comparable"


def test_only_some_devices(baseline: Make) -> None:
    before = baseline(make_run(), make_run(device=named("phone")))
    assert [e.case.device for e in before.of_devices(["phone"]).entries] == ["phone"]


def broken(tmp_path: Path, column: str, value: str) -> Path:
    """A baseline of two runs, the first of a device with a name of two lines, whose second has this cell."""
    path = tmp_path / "broken.csv"
    write_runs_csv([make_run(device=named("two\nlines")), make_run(started_at="2026-11-01T00:00:00Z")], path)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    rows[2][rows[0].index(column)] = value
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


@pytest.mark.parametrize(
    ("column", "value"),
    [("median_ms", "fast"), ("median_ms", "nan"), ("median_ms", "inf"), ("median_ms", "-1"), ("median_ms", ""), ("n", "3.5"),
     ("n", ""), ("threads", "two"), ("median_low_ms", "99999"), ("median_high_ms", "0.001"), ("cross_origin_isolated", "yes"),
     ("device_name", ""), ("model_sha256", ""), ("timer_step_ms", "1_0")],
)  # fmt: skip
def test_a_cell_that_cannot_be_read_is_named(tmp_path: Path, column: str, value: str) -> None:
    path = broken(tmp_path, column, value)
    with pytest.raises(ZooError) as caught:
        read_baseline(path)
    assert caught.value.what == f"{path}, line 4, column {column} cannot be read"
    assert "--baseline" in caught.value.next_step


def test_a_row_that_was_cut_off_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cut.csv"
    write_runs_csv([make_run(), make_run()], path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.rindex(",echo,")], encoding="utf-8")
    with pytest.raises(ZooError, match=r"cut\.csv, line 3 is not whole"):
        read_baseline(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"a,b,c\n1,2,3\n", b"run_id,device_name\n", b"\x89PNG\r\n\x1a\n\xff\xfe", b'run_id,"device', b"{}", b"\0\0"],
)  # fmt: skip
def test_another_file_is_one_message(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.csv"
    path.write_bytes(content)
    with pytest.raises(ZooError, match=r"other\.csv is no (timings\.csv of this project|CSV file)"):
        read_baseline(path)


def test_no_file_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(ZooError, match=r"none\.csv cannot be read"):
        read_baseline(tmp_path / "none.csv")


def test_a_spreadsheets_byte_order_mark_and_empty_lines_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "marked.csv"
    path.write_text("\ufeff" + VERSION_1 + "\r\n\r\n", encoding="utf-8")
    assert len(read_baseline(path).entries) == 2


def test_a_heading_alone_has_no_entries(tmp_path: Path) -> None:
    write_runs_csv([], tmp_path / "none.csv")
    assert read_baseline(tmp_path / "none.csv").entries == ()


def test_the_file_of_these_runs_holds_exactly_them_the_oldest_first(tmp_path: Path) -> None:
    late, early = make_run(started_at="2026-05-02T00:00:00Z"), make_run(started_at="2026-05-01T00:00:00Z")
    write_runs_csv([late, early], tmp_path / "new" / "timings.csv")
    with (tmp_path / "new" / "timings.csv").open(newline="", encoding="utf-8") as file:
        assert [line["run_id"] for line in csv.DictReader(file)] == [early.run_id, late.run_id]


def level(samples: Sequence[float]) -> Level:
    summary = summarise(samples)
    assert summary.median_ms is not None
    return Level(summary.median_ms, summary.median_low_ms, summary.median_high_ms, 1)


def test_the_interval_holds_the_ratio_as_often_as_it_says() -> None:
    """2,000 simulated pairs of 30 skewed samples each, the second 10 % slower."""
    random = np.random.default_rng(5)
    hits = 0
    for _ in range(2000):
        then, now = np.exp(random.normal(0, 0.1, (2, 30)))
        interval = _ratio(level(then.tolist()), level((1.1 * now).tolist()))
        assert interval is not None
        hits += interval.low <= 1.1 <= interval.high
    assert LEVEL <= hits / 2000 <= 0.99


def test_a_case_is_the_same_from_the_run_and_from_the_file(baseline: Make) -> None:
    run = make_run(backend="webnn", device_type="npu", threads=1)
    assert case_of(run) == baseline(run).entries[0].case
