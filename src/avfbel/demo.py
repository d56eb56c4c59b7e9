"""The demonstration: make four clips, analyse them, set the model beside the people who rated such clips."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avfbel.data import norm_emotions
from avfbel.emotion import EMOTIONS, rating_epp
from avfbel.files import write_whole
from avfbel.runtime import Analysis, Bundle, analyze
from avfbel.runtime.figure import encode_figure
from avfbel.runtime.plan import check_writable
from avfbel.senses import Frame, open_media
from avfbel.stimulus import compose, named, write_stimulus

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

STIMULI = ("happy", "peaceful", "sad", "angry")
PEOPLE, MODEL = "#999999", "#0072B2"  # grey and blue: told apart without colour vision, and in print
N_FRAMES = 3


@dataclass(frozen=True, kw_only=True)
class Demonstration:
    """One clip of the demonstration: what people felt on average, and what the model says."""

    stimulus: str
    seed: int
    media: Path
    norm: NDArray[np.float64]  # (5,) mean ratings / 127, fused norm
    analysis: Analysis

    @property
    def human_epp(self) -> float:
        """Emotional positivity of the mean human rating of this kind of clip."""
        return float(rating_epp(self.norm))


def demonstrate(
    out: Path,
    *,
    seeds: Sequence[int] | None = None,
    model: str | Path | Bundle = "default",
    progress: Callable[[int], None] | None = None,
) -> list[Demonstration]:
    """Make one clip of each of four stimuli, analyse it, report on it, and draw the results.

    Parameters
    ----------
    out : Path
        Folder for the clips, their analyses (JSON), a report on each (HTML) and `demo.png`; made if it does
        not exist.
    seeds : sequence of 4 int, optional
        Seeds of the clips; by default fresh ones, so that no two demonstrations are alike.
    model : str, path or Bundle
        The trained model; by default the shipped one.
    progress : callable, optional
        Called with 1 after each clip.

    Returns
    -------
    list of Demonstration
        In the order of `STIMULI`.

    Raises
    ------
    InputError
        If the model cannot be used, or lacks what contributions are compared with.
    UsageError
        If nothing can be written into the folder.
    """
    bundle = Bundle.open(model)
    check_writable(out)
    if seeds is None:
        seeds = [int(seed) for seed in np.random.default_rng().integers(1_000, 10_000, len(STIMULI))]
    shown = []
    for stimulus, seed in zip(STIMULI, seeds, strict=True):
        files = write_stimulus(compose(named(stimulus), seed=seed), out, f"{stimulus}_{seed:04d}")
        media = next(path for path in files if path.suffix == ".mp4")
        analysis = analyze(media, model=bundle, attribution=True)
        analysis.save(out / f"{media.name}.json")
        analysis.report(out / f"{media.name}.html", media=media)
        norm = norm_emotions(stimulus, "fused")
        shown.append(Demonstration(stimulus=stimulus, seed=seed, media=media, norm=norm, analysis=analysis))
        if progress is not None:
            progress(1)
    write_whole(out / "demo.png", encode_figure(contact_sheet(shown), "png"))
    return shown


def held_out(card: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return how well a model predicts the EPP of stimuli new to it, or None if its card does not say."""
    figures = card.get("metrics", {}).get("leave-stimulus-out", {}).get("fused", {}).get("epp", {})
    return None if any(figures.get(name) is None for name in ("r", "r_low", "r_high", "n")) else dict(figures)


def contact_sheet(shown: Sequence[Demonstration]) -> Figure:
    """Draw one row a clip: frames, waveform, five emotions and EPP, the model beside the people."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 1.9 * len(shown) + 0.5), dpi=150, layout="constrained")
    grid = figure.subplots(len(shown), 4, width_ratios=[2.5, 2.1, 2.4, 2.0], squeeze=False)
    for row, (axes, clip) in enumerate(zip(grid, shown, strict=True)):
        frames, sound, rate = _film_strip(clip.media)
        _draw_frames(axes[0], frames, clip)
        _draw_sound(axes[1], sound, rate, last=row == len(shown) - 1)
        _draw_emotions(axes[2], clip, legend=row == 0, last=row == len(shown) - 1)
        _draw_epp(axes[3], clip, last=row == len(shown) - 1)
    for axes, title in zip(grid[0], ("film", "sound", "five emotions", "emotional positivity"), strict=True):
        axes.set_title(title, fontsize=10, loc="left")
    return figure


def _film_strip(media: Path) -> tuple[list[NDArray[np.uint8]], NDArray[np.float32], int]:
    frames, pieces, rate = [], [], 1
    with open_media(media) as film:
        for event in film:
            if isinstance(event, Frame):
                frames.append(event.rgb)
            else:
                pieces.append(event.samples.mean(axis=1))
                rate = event.rate
    chosen = np.linspace(0, 2 / 3 * len(frames), N_FRAMES + 2).astype(int)[1:-1]  # then the last note fades
    return [frames[k] for k in chosen], np.concatenate(pieces), rate


def _draw_frames(axes: Axes, frames: Sequence[NDArray[np.uint8]], clip: Demonstration) -> None:
    height, width, _ = frames[0].shape
    middle = slice(width // 5, -width // 5)  # where the ball keeps to
    axes.imshow(np.concatenate([frame[height // 7 :, middle] for frame in frames], axis=1))
    axes.set(xticks=[], yticks=[])
    axes.set_ylabel(clip.stimulus, fontsize=11)


def _draw_sound(axes: Axes, sound: NDArray[np.float32], rate: int, *, last: bool) -> None:
    time = np.arange(len(sound)) / rate
    axes.fill_between(*_envelope(time, sound), color="0.35", linewidth=0)
    axes.set(xlim=(0, time[-1]), ylim=(-1, 1), yticks=[], xlabel="time (s)" if last else "")
    axes.tick_params(labelsize=8)


def _envelope(
    time: NDArray[np.float64], sound: NDArray[np.float32], bins: int = 600
) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float32]]:
    step = max(1, len(sound) // bins)
    blocks = sound[: len(sound) // step * step].reshape(-1, step)
    return time[: len(blocks) * step : step], blocks.min(axis=1), blocks.max(axis=1)


def _draw_emotions(axes: Axes, clip: Demonstration, *, legend: bool, last: bool) -> None:
    place = np.arange(len(EMOTIONS))
    predicted = [clip.analysis.emotions[name] for name in EMOTIONS]
    axes.barh(place - 0.2, clip.norm, height=0.36, color=PEOPLE, label="people (norm)")
    axes.barh(place + 0.2, predicted, height=0.36, color=MODEL, label="model")
    axes.set(yticks=place, yticklabels=EMOTIONS, xlim=(0, 1))
    axes.tick_params(labelsize=8)
    axes.invert_yaxis()
    if last:
        axes.set_xlabel("mean rating / 127", fontsize=8)
    if legend:
        axes.legend(fontsize=8, frameon=False, loc="lower right")


def _draw_epp(axes: Axes, clip: Demonstration, *, last: bool) -> None:
    axes.axvline(0.5, color="0.8", linewidth=1)
    axes.plot([clip.human_epp], [0.62], marker="D", color=PEOPLE, markersize=10)
    axes.plot([clip.analysis.epp], [0.38], marker="o", color=MODEL, markersize=10)
    for value, height in ((clip.human_epp, 0.62), (clip.analysis.epp, 0.38)):
        side = -0.05 if value > 0.5 else 0.05
        axes.annotate(
            f"{value:.2f}",
            (value + side, height),
            ha="right" if side < 0 else "left",
            va="center",
            fontsize=9,
        )
    axes.set(xlim=(0, 1), ylim=(0.15, 0.85), yticks=[0.62, 0.38], yticklabels=["people", "model"])
    axes.tick_params(labelsize=8)
    if last:
        axes.set_xlabel("0 negative … 0.5 neutral … 1 positive", fontsize=8)
