"""Traces are the numbers of `analyze`, on an even grid, of any clip; the table and the figure show them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from avfbel.emotion import EMOTIONS
from avfbel.errors import InputError, UsageError
from avfbel.interpret.trace_columns import by_system, choose_columns, meaning, trace_columns
from avfbel.interpret.traces import Traces, trace
from avfbel.interpret.traces_figure import draw_traces
from avfbel.runtime import analyze
from avfbel.runtime.figure import EMOTION_COLOURS


@pytest.fixture(scope="module")
def plain(clips: Path, bundle: Path) -> Traces:
    return trace(clips / "plain.mp4", model=bundle, window=2.0, hop=0.5)


def test_the_numbers_are_those_of_analyze(plain: Traces, clips: Path, bundle: Path) -> None:
    want = analyze(clips / "plain.mp4", model=bundle, window=2.0, hop=0.5).to_frame()
    frame = plain.to_frame()
    assert len(frame) == len(want) == 9
    assert frame["time_s"].tolist() == ((want["start_s"] + want["end_s"]) / 2).tolist()
    shared = [name for name in frame if name in want]
    assert len(shared) == len(plain.columns) - 2 + 1  # all but the two evidence gates; in_range
    for name in shared:
        np.testing.assert_array_equal(frame[name].astype(float), want[name].astype(float), err_msg=name)


def test_every_region_of_the_model_has_a_trace(plain: Traces, bundle: Path) -> None:
    from avfbel import Bundle

    assert plain.regions == Bundle.open(bundle).regions
    np.testing.assert_array_equal(plain["amygdala"], plain["region_amygdala"])
    with pytest.raises(KeyError, match="cerebellum: the traces are epp"):
        plain["cerebellum"]


def test_the_grid_is_even_whatever_is_left_at_the_end(clips: Path, bundle: Path) -> None:
    traces = trace(clips / "plain.mp4", model=bundle, window=2.5, hop=0.4)
    assert traces.time_s == pytest.approx(1.25 + 0.4 * np.arange(9))  # the last window is 2.2 to 5.7 of 6 s
    assert traces.edges_s[[0, 1, -1]] == pytest.approx([0, 1.45, traces.duration_s])


def test_a_short_clip_is_one_sample_at_its_middle(clips: Path, bundle: Path) -> None:
    traces = trace(clips / "short.mp4", model=bundle)
    assert traces.values.shape == (1, len(traces.columns))
    assert traces.time_s == pytest.approx([traces.duration_s / 2])
    assert "which gives a single sample at a window of 4 s" in traces.notes[0]


@pytest.mark.parametrize(
    ("name", "sense", "silent"), [("sound.wav", "audio", "V1"), ("noaudio.mp4", "video", "PYR")]
)
def test_one_sense_alone_leaves_the_other_at_zero(
    clips: Path, bundle: Path, name: str, sense: str, silent: str
) -> None:
    traces = trace(clips / name, model=bundle, hop=1.0)
    other = {"audio": "video", "video": "audio"}[sense]
    assert (traces[f"evidence_{sense}"] > 0).all()
    assert not traces[f"evidence_{other}"].any()
    assert not traces[silent].any()
    assert bool(len(traces.preview.pictures)) == (sense == "video")
    assert bool(len(traces.preview.high)) == (sense == "audio")
    assert f"EPP comes from the {'sound' if sense == 'audio' else 'picture'} alone" in traces.notes[0]


def test_what_is_cut_off_is_traced_as_far_as_it_goes(clips: Path, bundle: Path) -> None:
    traces = trace(clips / "cut.avi", model=bundle, hop=1.0)
    assert not traces.complete
    assert "ends early or is damaged" in traces.notes[0]


def test_what_cannot_be_traced_is_refused(clips: Path, bundle: Path) -> None:
    with pytest.raises(InputError, match="not_media"):
        trace(clips / "not_media.mp4", model=bundle)
    with pytest.raises(UsageError, match="the hop must be a positive number"):
        trace(clips / "plain.mp4", model=bundle, hop=0.0)


def test_memory_holds_a_row_a_sample(clips: Path, bundle: Path, write_media: Callable[..., Path]) -> None:
    rng = np.random.default_rng(0)
    long = write_media(clips / "long.wav", samples=rng.normal(0, 0.1, 8000 * 120), rate=8000)
    traces = trace(long, model=bundle, hop=10.0)
    assert traces.values.nbytes == len(traces.time_s) * len(traces.columns) * 8
    assert len(traces.preview.high) <= 2400


def test_columns_are_chosen_by_name_region_and_group() -> None:
    present = trace_columns(["V1", "thalamus"])
    assert choose_columns(["thalamus", "epp", "regions", "epp"], present) == (
        *("region_thalamus", "epp", "region_V1"),
    )
    assert choose_columns(["emotions"], present) == EMOTIONS
    assert choose_columns(["all"], present) == present
    with pytest.raises(UsageError, match="no trace of 'joy': name a column"):
        choose_columns(["joy"], present)


def test_every_column_is_described_and_every_region_placed(plain: Traces) -> None:
    told = [meaning(name) for name in trace_columns([*plain.regions, "thalamus", "V5"])]
    assert len({what for what, _ in told}) == len(told)
    assert all(what and unit for what, unit in told)
    placed = by_system(["V5", "prefrontal", "thalamus", *plain.regions[:4]])
    assert list(placed) == ["visual cortex", "thalamus", "limbic system", "other regions"]


def texts(figure: Figure) -> list[str]:
    return [t.get_text() for ax in figure.axes for t in ax.texts] + [t.get_text() for t in figure.texts]


def test_the_figure_draws_every_trace_on_one_time_axis(plain: Traces) -> None:
    figure = draw_traces(plain)
    assert {ax.get_xlim() for ax in figure.axes} == {(0.0, plain.duration_s)}
    drawn = [
        line.get_ydata()[1:-1].tolist()
        for ax in figure.axes
        for line in ax.lines
        if len(line.get_xdata()) == 11
    ]
    for name in ("epp", *EMOTIONS, "gate_audio", "gate_video", *(f"region_{r}" for r in plain.regions)):
        assert plain[name].tolist() in drawn
    for name in (*plain.regions, "film", "sound", "visual cortex", "limbic\nsystem", "plain.mp4"):
        assert name in texts(figure)
    assert "9 samples every 0.5 s, each of the 2 s around it; model stand-in 0" in texts(figure)


def test_emotions_differ_in_stroke_as_well_as_colour(plain: Traces) -> None:
    figure = draw_traces(plain)
    lines = [line for ax in figure.axes for line in ax.lines if line.get_label() in EMOTIONS]
    assert (
        len({str(line._dash_pattern) for line in lines})
        == len({to_hex(line.get_color()) for line in lines})
        == 5
    )
    assert [to_hex(line.get_color()) for line in lines] == [EMOTION_COLOURS[name] for name in EMOTIONS]


def test_the_strip_and_the_waveform_are_there_if_the_tracks_are(
    clips: Path, bundle: Path, plain: Traces
) -> None:
    strip = [ax for ax in draw_traces(plain).axes if ax.images]
    assert len(strip) == 1
    shown = strip[0].images
    middles = [np.mean(image.get_extent()[:2]) for image in shown]
    assert middles == pytest.approx((np.arange(len(shown)) + 0.5) * plain.duration_s / len(shown))
    for image, middle in zip(shown, middles, strict=True):
        np.testing.assert_array_equal(image.get_array(), plain.preview.nearest(middle))
    heard = draw_traces(trace(clips / "sound.wav", model=bundle, hop=1.0))
    assert not any(ax.images for ax in heard.axes)
    assert "film" not in texts(heard)
    assert "sound" not in texts(draw_traces(trace(clips / "noaudio.mp4", model=bundle, hop=1.0)))


def test_intervals_are_drawn_where_the_model_gives_them(plain: Traces) -> None:
    values = plain.values.copy()
    values[:, plain.columns.index("epp_low")] = plain["epp"] - 0.1
    values[:, plain.columns.index("epp_high")] = plain["epp"] + 0.1
    bands = [len(draw_traces(t).axes[2].collections) for t in (plain, replace(plain, values=values))]
    assert bands[1] == bands[0] + 1


def test_the_figure_is_saved_by_its_ending(plain: Traces, tmp_path: Path) -> None:
    plain.plot(tmp_path / "a.png")
    plain.plot(tmp_path / "a.pdf")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    with pytest.raises(UsageError, match=r"no pictures end in \.xyz"):
        plain.plot(tmp_path / "a.xyz")
