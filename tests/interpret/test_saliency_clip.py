"""Saliency of files: the fold, its tables, picture and overlay film."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from avfbel import analyze
from avfbel.errors import UsageError
from avfbel.interpret.occlusion import cell_sums
from avfbel.interpret.saliency import INPUT
from avfbel.interpret.saliency_clip import SOUND_COLUMNS, ClipSaliency, Place
from avfbel.interpret.saliency_figure import draw_saliency, rows_of, spread, stills
from avfbel.interpret.saliency_files import write_saliency
from avfbel.interpret.saliency_film import STRIP, draw_strip, write_saliency_film
from avfbel.interpret.saliency_fold import explain_saliency
from avfbel.interpret.saliency_overlay import COOL, WARM, at_time, blend, on_picture, strongest


@pytest.fixture(scope="module")
def film(clips: Path) -> Path:
    return clips / "plain.mp4"


@pytest.fixture(scope="module")
def told(film: Path) -> ClipSaliency:
    return explain_saliency(film)


def test_windows_are_those_of_the_analysis(told: ClipSaliency, film: Path) -> None:
    windows = analyze(film).windows
    assert [(w.start_s, w.end_s) for w in told.windows] == [(w.start_s, w.end_s) for w in windows]
    np.testing.assert_allclose([w.epp for w in told.windows], [w.epp for w in windows], atol=1e-12)
    assert told.has_picture
    assert told.has_sound


def test_only_places_the_ball_passes_are_salient(told: ClipSaliency) -> None:
    # the ball moves up and down in the middle third of the picture
    columns = np.abs(told.windows[0].stages[INPUT]).sum(axis=0)
    assert columns[22:42].sum() > 0
    assert columns[:16].sum() == columns[48:].sum() == 0


def test_tables_add_up_to_the_maps(told: ClipSaliency) -> None:
    table = [dict(zip(told.picture_columns(), row, strict=True)) for row in told.picture_rows()]
    assert len(table) == 64 * len(told.windows)
    total = sum(row["saliency_input"] for row in table if row["window"] == 1)
    assert total == pytest.approx(float(told.windows[1].stages[INPUT].sum()), abs=1e-6)
    cell = next(row for row in table if (row["window"], row["row"], row["column"]) == (0, 3, 4))
    assert (cell["top"], cell["left"], cell["right"]) == (0.375, 0.5, 0.625)
    assert cell["occlusion"] == told.windows[0].occlusion[3, 4]
    sound = [dict(zip(SOUND_COLUMNS, row, strict=True)) for row in told.sound_rows()]
    assert [row["change"] for row in sound if row["window"] == 0] == told.windows[0].sound.change.tolist()


def test_the_course_of_sound_is_the_mean_over_windows_that_hold_a_moment(told: ClipSaliency) -> None:
    edges, change = told.sound_course()
    assert edges[0] == 0.0
    assert edges[-1] == pytest.approx(told.duration_s, abs=0.05)
    at = 3.05
    held = [w for w in told.windows if w.start_s <= at < w.end_s]
    inside = [float(w.sound.change[np.searchsorted(w.sound.end_s, at)]) for w in held]
    expected = np.average(inside, weights=[w.weight for w in held])
    assert change[np.searchsorted(edges, at) - 1] == pytest.approx(expected, abs=1e-12)


def test_black_bars_are_left_out(write_media: Callable[..., Path], tmp_path: Path) -> None:
    frames = []
    for k in range(60):
        picture = np.zeros((160, 120, 3), np.uint8)
        picture[40:120] = 180  # bars of a quarter of the height above and below
        top = 50 + abs(30 - k % 60)
        picture[top : top + 20, 50:70] = (220, 30, 30)
        frames.append(picture)
    path = write_media(tmp_path / "bars.mp4", frames=frames)
    place = explain_saliency(path).windows[0].place
    np.testing.assert_allclose(place, (0.25, 0.75, 0.0, 1.0), atol=0.02)


def test_a_map_is_carried_to_the_pixels_it_was_averaged_from() -> None:
    saliency = np.zeros((64, 64))
    saliency[16, 32] = 1.0  # below bars: rows 50 to 150 of 200, 100 / 64 pixels a row
    over = on_picture(saliency, Place(0.25, 0.75, 0.0, 1.0), (200, 128), smooth=False)
    rows, columns = np.nonzero(over)
    assert (rows.min(), rows.max()) == (75, 76)
    assert (columns.min(), columns.max()) == (64, 65)
    smooth = on_picture(saliency, Place(0.25, 0.75, 0.0, 1.0), (200, 128))
    assert np.unravel_index(smooth.argmax(), smooth.shape)[0] in (75, 76)


def test_colours_tell_the_sign_and_grey_is_nothing() -> None:
    picture = np.full((1, 3, 3), 100, np.uint8)
    shown = blend(picture, np.array([[1.0, 0.0, -1.0]]), 1.0).astype(int)[0]
    assert shown[0, 0] > shown[0, 2]
    assert shown[2, 2] > shown[2, 0]
    assert len(set(shown[1])) == 1
    assert (blend(picture, np.zeros((1, 3)), 0.0) == shown[1]).all()


def test_between_windows_maps_are_interpolated(told: ClipSaliency) -> None:
    first, second = told.windows[:2]
    saliency, window = at_time(told, 2.25)
    np.testing.assert_allclose(saliency, 0.75 * first.stages[INPUT] + 0.25 * second.stages[INPUT], atol=1e-7)
    assert window is first
    np.testing.assert_array_equal(at_time(told, 0.0)[0], first.stages[INPUT])
    np.testing.assert_array_equal(at_time(told, 99.0)[0], told.windows[-1].stages[INPUT])


def test_figure_has_a_row_a_stage_and_the_pictures_of_the_moments(told: ClipSaliency, film: Path) -> None:
    rows = rows_of(spread(told.windows))
    assert [row.name.replace("\n", " ") for row in rows] == [
        "gradient",
        "gradient by cell",
        "occlusion by cell",
        "V1",
        "V2",
        "V4",
        "IT",
    ]
    np.testing.assert_allclose(rows[1].maps[0], cell_sums(told.windows[0].stages[INPUT]))
    assert rows[2].scale == strongest(rows[2].maps) > 0
    pictures = stills(film, [0.0, 1.0, 99.0])
    assert len(pictures) == 3
    assert (pictures[0] != pictures[2]).any()
    figure = draw_saliency(told, film)
    n_tiles = min(6, len(told.windows)) * (1 + len(rows))
    assert len(figure.axes) == n_tiles + 2


def test_overlay_film_lasts_as_long_and_sounds(told: ClipSaliency, film: Path, tmp_path: Path) -> None:
    write_saliency_film(told, film, tmp_path / "over.mp4")
    with av.open(str(tmp_path / "over.mp4")) as file:
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    with av.open(str(tmp_path / "over.mp4")) as file:
        samples = sum(frame.samples for frame in file.decode(audio=0))
    assert len(frames) == 180
    assert frames[0].shape == (120 + STRIP, 100, 3)
    assert samples / 44_100 == pytest.approx(6.0, abs=0.1)
    coloured = frames[60][:120].astype(int)
    assert (np.abs(coloured[..., 0] - coloured[..., 2]) > 20).any()  # the ball itself is shown grey
    assert np.abs(coloured[..., 0] - coloured[..., 2])[:, :20].max() < 12


def test_strip_is_warm_above_and_cool_below(told: ClipSaliency) -> None:
    strip = draw_strip(told, 600).astype(int)
    above, below = strip[: STRIP // 2], strip[STRIP // 2 + 1 :]
    assert not (below == WARM).all(axis=2).any()
    assert not (above == COOL).all(axis=2).any()
    assert (strip == WARM).all(axis=2).any() or (strip == COOL).all(axis=2).any()


def test_one_sense_alone_gives_its_own_files(clips: Path, tmp_path: Path) -> None:
    silent = write_saliency(clips / "noaudio.mp4", tmp_path, film=False)
    assert [file.name for file in silent.files] == [
        "noaudio.mp4.saliency-picture.csv",
        "noaudio.mp4.saliency.png",
    ]
    assert "no sound" in silent.notes[0]
    blind = write_saliency(clips / "sound.wav", tmp_path)
    assert [file.name for file in blind.files] == ["sound.wav.saliency-sound.csv", "sound.wav.saliency.png"]
    assert "no film" in blind.notes[0]
    with (tmp_path / "sound.wav.saliency-sound.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert float(rows[-1]["to_s"]) == pytest.approx(6.0, abs=0.05)
    assert {path.name for path in tmp_path.iterdir()} == {f.name for f in (*silent.files, *blind.files)}
    with pytest.raises(UsageError, match="has no picture"):
        write_saliency_film(explain_saliency(clips / "sound.wav"), clips / "sound.wav", tmp_path / "no.mp4")


def test_a_black_and_silent_film_has_nothing_salient(clips: Path, tmp_path: Path) -> None:
    told = explain_saliency(clips / "black.mp4")
    assert all((values == 0).all() for window in told.windows for values in window.stages.values())
    written = write_saliency(clips / "black.mp4", tmp_path)
    assert tmp_path / "black.mp4.saliency.mp4" in written.files


def test_an_odd_working_size_is_filmed_without_its_last_column(
    write_media: Callable[..., Path], tmp_path: Path
) -> None:
    frames = [np.full((360, 640, 3), 200, np.uint8) for _ in range(24)]
    for k, picture in enumerate(frames):
        picture[100 + 5 * k : 160 + 5 * k, 280:340] = (200, 30, 30)
    path = write_media(tmp_path / "wide.mp4", frames=frames)  # looked at as 533 x 300
    write_saliency_film(explain_saliency(path), path, tmp_path / "over.mp4")
    with av.open(str(tmp_path / "over.mp4")) as file:
        sizes = {(frame.width, frame.height) for frame in file.decode(video=0)}
    assert sizes == {(532, 300)}
