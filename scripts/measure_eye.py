"""How well does the eye see what the stimuli are made of? Rank correlations over a corpus, as a table.

Usage: python scripts/measure_eye.py CORPUS [--jobs N], where CORPUS was made by `avfbel corpus build --out
CORPUS`.

Against the truth: the mean of each clip's windows with the notes in the clip's .json, over clips of four
notes or more. Against the parameters: the mean of each stimulus' clips with the parameter it was made from.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from avfbel.senses.features import VISUAL_FEATURES
from avfbel.senses.media import Frame, open_media
from avfbel.senses.visual import VisualTrack
from avfbel.senses.windows import plan_windows

PARAMETERS = {
    "speed": "bpm",
    "jitter": "jitter",
    "consonance": "consonance",
    "bigsmall": "bigsmall",
    "updown": "updown",
}


def truth(notes: list[dict[str, float]]) -> list[float]:
    """Compute the five features from the notes that the film shows."""
    onset, pitch = np.array([n["onset_s"] for n in notes]), np.array([n["pitch"] for n in notes])
    gap = np.diff(onset)
    return [
        60 / gap.mean(),
        gap.std() / gap.mean(),
        -np.mean([n["spike"] for n in notes[1:]]),
        np.mean([n["height"] for n in notes[1:]]),
        -np.diff(pitch).mean(),
    ]


def look(film: Path) -> tuple[np.ndarray, int, float, float]:
    """Return the features of each window, and frames, seconds for pushing and seconds for measuring."""
    track, n, pushing = VisualTrack(), 0, 0.0
    with open_media(film, audio=False, threads=1) as media:
        for frame in media:
            if isinstance(frame, Frame):
                begin = time.perf_counter()
                track.push(frame.rgb, frame.time_s, frame.index)
                pushing += time.perf_counter() - begin
                n += 1
        duration = media.duration_s
    begin = time.perf_counter()
    features = [track.measure(*window).features for window in plan_windows(duration)]
    return np.array(features), n, pushing, time.perf_counter() - begin


def correlation(a: list[float], b: list[float]) -> tuple[float, int]:
    """Return Spearman's rank correlation over the pairs of which both are known, and their number."""
    x, y = np.array(a, float), np.array(b, float)
    known = np.isfinite(x) & np.isfinite(y)
    return float(spearmanr(x[known], y[known]).statistic), int(known.sum())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    with (options.corpus / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    films = [options.corpus / row["media"] for row in rows]
    with ProcessPoolExecutor(options.jobs) as pool:
        looks = list(pool.map(look, films))
    with np.errstate(all="ignore"):
        measured = np.array([np.nanmean(features, axis=0) for features, *_ in looks])
    notes = [json.loads(film.with_suffix(".json").read_text())["notes"] for film in films]
    known = [truth(n) if len(n) >= 4 else [np.nan] * 5 for n in notes]
    print(f"{'feature':12}{'truth':>8}{'clips':>7}{'parameter':>11}{'stimuli':>9}")
    stimuli = sorted({row["stimulus"] for row in rows})
    for k, feature in enumerate(VISUAL_FEATURES):
        rho, n = correlation(measured[:, k].tolist(), [t[k] for t in known])
        means, values = [], []
        for stimulus in stimuli:
            of_it = [i for i, row in enumerate(rows) if row["stimulus"] == stimulus]
            means.append(float(np.nanmean(measured[of_it, k])))
            values.append(float(rows[of_it[0]][PARAMETERS[feature]]))
        parameter, m = correlation(means, values)
        spread = np.nanmax(means) - np.nanmin(means)
        print(f"{feature:12}{rho:8.3f}{n:7}{parameter:11.3f}{m:9}   range over the stimuli {spread:.4g}")
    frames, pushing, measuring = (sum(look[i] for look in looks) for i in (1, 2, 3))
    windows = sum(len(look[0]) for look in looks)
    print(f"{1e3 * pushing / frames:.2f} ms a frame pushed, {1e3 * measuring / windows:.1f} ms a window")


if __name__ == "__main__":
    main()
