"""Draw docs/images/piano_spectrogram.png: a clip and three single keys of the piano, as spectrograms."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from numpy.typing import NDArray
from scipy.signal import ShortTimeFFT

from avfbel.stimulus import compose, named, synthesize
from avfbel.stimulus.sound import RATE

CLIP = compose(named("happy"), seed=7)
KEYS = {"low, A1 (55 Hz)": 33, "middle, A4 (440 Hz)": 69, "high, A6 (1760 Hz)": 93}
HELD_SECONDS, SHOWN_SECONDS = 2.0, 2.5
HIGHEST_HZ = 8000.0
FLOOR_DB = -90.0  # below the strongest part of a picture


def one_key(pitch: int) -> NDArray[np.float64]:
    """Return the sound of one key, held, shape (n,)."""
    note = CLIP.notes[0]._replace(onset_s=0.1, duration_s=HELD_SECONDS, pitch=pitch)
    return synthesize(replace(CLIP, notes=(note,), length_s=SHOWN_SECONDS)).mean(axis=1)


def draw(ax: Axes, samples: NDArray[np.float64], title: str, *, window: int) -> QuadMesh:
    """Draw one spectrogram with a Hann window of some samples; 0 dB is its strongest part."""
    transform = ShortTimeFFT(np.hanning(window), hop=max(64, window // 16), fs=RATE, mfft=4 * window)
    level = 20 * np.log10(np.abs(transform.stft(samples)) + 1e-12)
    frequency, time = transform.f, transform.t(len(samples))
    rows = frequency <= HIGHEST_HZ
    mesh = ax.pcolormesh(
        time,
        frequency[rows] / 1000,
        level[rows] - level.max(),
        vmin=FLOOR_DB,
        vmax=0,
        cmap="magma",
        rasterized=True,
    )
    ax.set(title=title, xlabel="time (s)", xlim=(0, len(samples) / RATE), ylim=(0, HIGHEST_HZ / 1000))
    return mesh


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    docs = Path(__file__).parents[1] / "docs" / "images"
    parser.add_argument("--out", type=Path, default=docs / "piano_spectrogram.png")
    out = parser.parse_args().out
    figure = plt.figure(figsize=(10, 7), layout="constrained")
    rows = figure.add_gridspec(2, 3)
    top = figure.add_subplot(rows[0, :])
    mesh = draw(top, synthesize(CLIP).mean(axis=1), "one clip: happy, seed 7", window=2048)
    lower = [figure.add_subplot(rows[1, k]) for k in range(3)]
    for ax, (name, pitch) in zip(lower, KEYS.items(), strict=True):
        draw(ax, one_key(pitch), f"{name}, held {HELD_SECONDS:g} s", window=4096)
    for ax in (top, lower[0]):
        ax.set_ylabel("frequency (kHz)")
    figure.colorbar(mesh, ax=[top, *lower], label="level (dB below the strongest)", shrink=0.6)
    figure.savefig(out, dpi=100)
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
