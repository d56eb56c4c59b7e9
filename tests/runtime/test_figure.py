"""The figure shows the numbers of the analysis, on time, each line named, whatever the clip."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from avfbel.emotion import EMOTIONS, Emotion
from avfbel.errors import UsageError
from avfbel.runtime import Analysis, analyze
from avfbel.runtime.figure import EMOTION_COLOURS, SENSE_COLOURS, draw


@pytest.fixture(scope="module")
def plain(clips: Path, bundle: Path) -> Analysis:
    return analyze(clips / "plain.mp4", model=bundle, hop=0.5)


def lines_of_colour(figure: Figure, panel: int, colour: str) -> list[np.ndarray]:
    return [line.get_ydata() for line in figure.axes[panel].lines if to_hex(line.get_color()) == colour]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts] + [t.get_text() for t in figure.texts]


def test_every_number_is_drawn_at_the_middle_of_its_window(plain: Analysis) -> None:
    figure = draw(plain)
    middles = [(w.start_s + w.end_s) / 2 for w in plain.windows]
    (epp,) = (line for line in figure.axes[0].lines if len(line.get_xdata()) == len(middles) + 2)
    assert epp.get_xdata()[1:-1] == pytest.approx(middles)
    assert epp.get_ydata()[1:-1].tolist() == [w.epp for w in plain.windows]
    assert epp.get_xdata()[[0, -1]].tolist() == [0, plain.duration_s]
    for name in EMOTIONS:
        (values,) = lines_of_colour(figure, 1, EMOTION_COLOURS[name])
        assert values[1:-1].tolist() == [getattr(w.emotion, name) for w in plain.windows]
    for sense in ("audio", "video"):
        evidence, attention = lines_of_colour(figure, 3, SENSE_COLOURS[sense])
        assert attention[1:-1].tolist() == [getattr(w, f"gate_{sense}") for w in plain.windows]
        assert evidence[1:-1].tolist() == [getattr(w, f"g_{sense}") for w in plain.windows]


def test_each_region_is_scaled_to_its_own_range(plain: Analysis) -> None:
    (mesh,) = (c for c in draw(plain).axes[2].collections if hasattr(c, "get_coordinates"))
    scaled = np.asarray(mesh.get_array()).reshape(11, len(plain.windows))
    assert scaled.min(axis=1).tolist() == [0.0] * 11
    assert scaled.max(axis=1).tolist() == [1.0] * 11
    amygdala = np.array([w.regions["amygdala"] for w in plain.windows])
    assert scaled[8] == pytest.approx((amygdala - amygdala.min()) / np.ptp(amygdala))


def test_what_lies_outside_the_training_is_shaded(plain: Analysis) -> None:
    outside = {1, 2, 4}
    windows = tuple(replace(w, in_range=w.index not in outside) for w in plain.windows)
    panel = draw(replace(plain, windows=windows)).axes[0]
    bands = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in panel.patches]
    middles = [(w.start_s + w.end_s) / 2 for w in windows]
    assert {i for i, m in enumerate(middles) if any(a < m < b for a, b in bands)} == outside
    assert "outside what the model was trained on" in [t.get_text() for t in panel.get_legend().get_texts()]
    inside = tuple(replace(w, in_range=True) for w in windows)
    assert draw(replace(plain, windows=inside)).axes[0].get_legend() is None


def test_windows_without_evidence_are_hollow(clips: Path, bundle: Path) -> None:
    panel = draw(analyze(clips / "black.mp4", model=bundle)).axes[0]
    (hollow,) = (line for line in panel.lines if line.get_markerfacecolor() == "white")
    assert hollow.get_ydata().tolist() == [0.5]
    assert "no evidence" in [t.get_text() for t in panel.get_legend().get_texts()]


def test_intervals_are_drawn_where_a_model_has_them(plain: Analysis) -> None:
    windows = tuple(replace(w, epp_low=w.epp - 0.1, epp_high=w.epp + 0.1) for w in plain.windows)
    assert not draw(plain).axes[0].collections
    (band,) = draw(replace(plain, windows=windows)).axes[0].collections
    assert band.get_paths()[0].get_extents().height == pytest.approx(
        0.2 + np.ptp([w.epp for w in plain.windows]), abs=1e-9
    )


def test_names_beside_lines_do_not_overlap_and_stay_in_the_panel(plain: Analysis) -> None:
    for values in ([0.0] * 5, [0.9] * 5, [0.0, 0.001, 0.5, 0.5, 0.9]):
        emotion = Emotion(**dict(zip(EMOTIONS, values, strict=True)))
        windows = tuple(replace(w, emotion=emotion) for w in plain.windows)
        figure = draw(replace(plain, windows=windows))
        figure.canvas.draw()
        panel = figure.axes[1]
        boxes = sorted((text.get_window_extent() for text in panel.texts[:5]), key=lambda box: box.y0)
        assert all(above.y0 >= below.y0 + 0.8 * below.height for below, above in pairwise(boxes))
        frame = panel.get_window_extent()
        assert boxes[0].y0 > frame.y0 - boxes[0].height
        assert boxes[-1].y1 < frame.y1 + boxes[-1].height


def test_nothing_is_drawn_outside_the_paper(plain: Analysis) -> None:
    figure = draw(
        replace(plain, media="a_very_long_name_of_a_film_that_goes_on_and_on_and_on_without_end.mp4")
    )
    figure.canvas.draw()
    paper = figure.bbox
    for text in [t for ax in figure.axes for t in ax.texts] + figure.texts:
        box = text.get_window_extent()
        assert paper.x0 <= box.x0, text
        assert box.x1 <= paper.x1, text


def test_a_single_window_is_a_figure_too(clips: Path, bundle: Path) -> None:
    short = analyze(clips / "short.mp4", model=bundle)
    figure = draw(short)
    figure.canvas.draw()
    assert "1 window of 4 s every 1 s; model stand-in 0" in texts(figure)
    assert f"{short.windows[0].regions['V1']:.3g}" in texts(figure)


def test_the_same_analysis_gives_the_same_picture(plain: Analysis, tmp_path: Path) -> None:
    for ending in ("png", "svg", "pdf"):
        first, second = (tmp_path / f"{k}.{ending}" for k in (1, 2))
        assert isinstance(plain.plot(first), Figure)
        plain.plot(second)
        assert first.read_bytes() == second.read_bytes()


def test_drawing_leaves_pyplot_and_its_settings_alone(plain: Analysis) -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    draw(plain)
    assert dict(mpl.rcParams) == before


def test_an_ending_that_is_no_picture_is_refused(plain: Analysis, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no pictures end in .docx: choose .png, .svg or .pdf"):
        plain.plot(tmp_path / "a.docx")
    assert not list(tmp_path.iterdir())
