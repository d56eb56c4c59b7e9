"""Compare what the ear measures with the truth in the .json of each clip of a corpus.

usage: measure_ear.py CORPUS [--window S]

CORPUS is a folder of clips as `avfbel corpus build` writes them: <stem>.wav (or .mp4) beside <stem>.json. Prints a
table: Spearman correlation of each feature with the same quantity computed from the notes, over clips, and with
the parameter, over the means of the stimuli; how often onset and pitch of a note were right; and the speed.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from avfbel.senses import ALL_ACOUSTIC, AcousticTrack, Sound, open_media
from avfbel.senses.acoustic_tonality import mean_consonance

TOLERANCE_S, TOLERANCE_SEMITONES = 0.03, 0.5


def truth_of(notes: list[dict[str, Any]]) -> dict[str, float]:
    """Compute each feature that has a truth from the notes themselves; NaN where they do not tell."""
    pitches = np.array([note["pitch"] for note in notes])
    steps = np.diff(pitches)
    onsets = [note["onset_s"] for note in notes]
    return {
        "pitch": float(np.median(440 * 2 ** ((pitches - 69) / 12))),
        "tempo": 60 * (len(notes) - 1) / (onsets[-1] - onsets[0]) if len(notes) > 1 else math.nan,
        "duration": float(np.mean([note["duration_s"] for note in notes])),
        "direction": float(np.mean(steps < 0)) if len(steps) else math.nan,
        "harmony": mean_consonance(pitches % 12),
    }


def rank(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman correlation over the pairs of which both are known."""
    known = np.isfinite(a) & np.isfinite(b)
    return float(spearmanr(a[known], b[known])[0])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument(
        "--window", type=float, help="measure windows of this length and average, default whole clips"
    )
    arguments = parser.parse_args()
    rows, hits, n_true, n_heard, in_tune, seconds, spent = [], 0, 0, 0, 0, 0.0, 0.0
    for path in sorted(arguments.corpus.glob("*.json")):
        clip = json.loads(path.read_text())
        media = next(p for p in (path.with_suffix(".wav"), path.with_suffix(".mp4")) if p.exists())
        track, length = AcousticTrack(), 0.0
        with open_media(media, video=False) as opened:
            for item in opened:
                assert isinstance(item, Sound)
                began = time.perf_counter()
                track.push(item.samples, item.rate, item.time_s)
                spent += time.perf_counter() - began
                length = item.end_s
        began = time.perf_counter()
        heard = track.measure(0.0, length)
        spent += time.perf_counter() - began
        seconds += length
        notes = clip["notes"]
        n_true, n_heard = n_true + len(notes), n_heard + len(heard.notes)
        for note in notes:
            near = [h for h in heard.notes if abs(h.onset_s - note["onset_s"]) < TOLERANCE_S]
            hits += bool(near)
            in_tune += any(abs(h.pitch - note["pitch"]) < TOLERANCE_SEMITONES for h in near)
        stimulus = path.stem.rpartition("_")[0]
        rows.append(
            (
                stimulus,
                clip["parameters"],
                truth_of(notes),
                dict(zip(ALL_ACOUSTIC, heard.features)),
                len(notes),
            )
        )
    print(f"{len(rows)} clips, {n_true} notes; {seconds / spent:.0f} x real time without decoding")
    print(
        f"onsets: recall {hits / n_true:.3f}, precision {hits / n_heard:.3f}; pitch right {in_tune / n_true:.3f}"
    )
    print("\nSpearman with the notes over clips (with four notes or more)")
    several = [row for row in rows if row[4] >= 4]
    for name in rows[0][2]:
        values = [
            rank(np.array([r[3][name] for r in part]), np.array([r[2][name] for r in part]))
            for part in (rows, several)
        ]
        print(f"  {name:10s} {values[0]:6.3f} ({values[1]:.3f})")
    print("\nSpearman with the parameter over the stimuli: measured, and from the notes themselves")
    stimuli = sorted({row[0] for row in rows})
    for name, parameter in (
        ("tempo", "bpm"),
        ("direction", "updown"),
        ("harmony", "consonance"),
        ("duration", "bpm"),
    ):
        means = {}
        for column in (2, 3):
            table = [[row[column][name] for row in rows if row[0] == s] for s in stimuli]
            means[column] = np.array(
                [np.nanmean(v) if np.isfinite(v).any() else np.nan for v in map(np.array, table)]
            )
        wanted = np.array([next(r[1][parameter] for r in rows if r[0] == s) for s in stimuli])
        print(f"  {name:10s} ~ {parameter:10s} {rank(means[3], wanted):6.3f} ({rank(means[2], wanted):.3f})")
    print("\nfeature      missing      min   median      max")
    for name in ALL_ACOUSTIC:
        values = np.array([row[3][name] for row in rows])
        print(
            f"  {name:10s} {np.mean(~np.isfinite(values)):7.2f} "
            f"{np.nanmin(values):8.3f} {np.nanmedian(values):8.3f} {np.nanmax(values):8.3f}"
        )


if __name__ == "__main__":
    main()
