"""Compare what the ear measures with the truth in the .json of each clip of a corpus.

usage: measure_ear.py CORPUS

CORPUS is a folder of clips as `avfbel corpus build` writes them: <stem>.wav (or .mp4) beside <stem>.json.
Prints how often onset and pitch of a note were right, the speed, and rank correlations of each feature with
the same quantity computed from the notes (over clips) and with the parameter (over the means of the stimuli).
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import spearmanr

from avfbel.senses import ALL_ACOUSTIC, AcousticTrack, open_media
from avfbel.senses.acoustic import AcousticMeasurement
from avfbel.senses.acoustic_tonality import mean_consonance

TOLERANCE_S, TOLERANCE_SEMITONES = 0.03, 0.5
PARAMETERS = (("tempo", "bpm"), ("duration", "bpm"), ("direction", "updown"), ("harmony", "consonance"))


class Clip(NamedTuple):
    """What is true of a clip, and what was heard."""

    stimulus: str
    parameters: dict[str, float]
    notes: list[dict[str, Any]]
    truth: dict[str, float]
    heard: dict[str, float]
    measurement: AcousticMeasurement


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


def listen(path: Path) -> tuple[AcousticMeasurement, float, float]:
    """Measure a whole file; return the measurement, its length in s and the time spent beside decoding."""
    track, spent = AcousticTrack(), 0.0
    with open_media(path, video=False) as media:
        for sound in media:
            began = time.process_time()
            track.push(sound.samples, sound.rate, sound.time_s)
            spent += time.process_time() - began
        length = media.duration_s
    began = time.process_time()
    measurement = track.measure(0.0, length)
    return measurement, length, spent + time.process_time() - began


def rank(pairs: list[tuple[float, float]]) -> float:
    """Spearman correlation over the pairs of which both are known."""
    known = np.array([pair for pair in pairs if np.isfinite(pair).all()])
    return float(spearmanr(known[:, 0], known[:, 1])[0]) if len(known) > 2 else math.nan


def mean_known(values: list[float]) -> float:
    """Mean of what is known; NaN if nothing is."""
    known = [value for value in values if math.isfinite(value)]
    return float(np.mean(known)) if known else math.nan


def print_notes(clips: list[Clip]) -> None:
    """Print how many of the notes were heard, at the right time and pitch."""
    n_true = n_found = n_right = n_heard = 0
    for clip in clips:
        n_heard += len(clip.measurement.notes)
        for note in clip.notes:
            near = [h for h in clip.measurement.notes if abs(h.onset_s - note["onset_s"]) < TOLERANCE_S]
            n_true, n_found = n_true + 1, n_found + bool(near)
            n_right += any(abs(h.pitch - note["pitch"]) < TOLERANCE_SEMITONES for h in near)
    print(f"{n_true} notes: recall {n_found / n_true:.3f}, precision {n_found / n_heard:.3f}", end=", ")
    print(f"heard at their pitch {n_right / n_true:.3f}")


def print_ranks(clips: list[Clip]) -> None:
    """Print the rank correlations with notes and parameters."""
    several = [clip for clip in clips if len(clip.notes) >= 4]
    print("\nSpearman with the notes, over all clips (over those with four notes or more)")
    for name in clips[0].truth:
        every, some = ([(c.heard[name], c.truth[name]) for c in part] for part in (clips, several))
        print(f"  {name:10s} {rank(every):6.3f} ({rank(some):.3f})")
    print("\nSpearman with the parameter, over the stimuli: as heard (as the notes themselves have it)")
    groups = [[c for c in clips if c.stimulus == name] for name in sorted({c.stimulus for c in clips})]
    for name, parameter in PARAMETERS:
        heard = [
            (mean_known([c.heard[name] for c in group]), group[0].parameters[parameter]) for group in groups
        ]
        true = [
            (mean_known([c.truth[name] for c in group]), group[0].parameters[parameter]) for group in groups
        ]
        print(f"  {name:10s} ~ {parameter:10s} {rank(heard):6.3f} ({rank(true):.3f})")


def print_ranges(clips: list[Clip]) -> None:
    """Print how often each feature is missing, and its range."""
    print("\nfeature      missing      min   median      max")
    for name in ALL_ACOUSTIC:
        values = np.array([clip.heard[name] for clip in clips])
        low, middle, high = np.nanquantile(values, (0, 0.5, 1))
        print(f"  {name:10s} {np.mean(~np.isfinite(values)):7.2f} {low:8.3f} {middle:8.3f} {high:8.3f}")


def main() -> None:
    """Measure every clip of the corpus and print the comparison."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    folder = parser.parse_args().corpus
    clips, seconds, spent = [], 0.0, 0.0
    for path in sorted(folder.glob("*.json")):
        truth = json.loads(path.read_text())
        wav = path.with_suffix(".wav")
        measurement, length, cost = listen(wav if wav.exists() else path.with_suffix(".mp4"))
        seconds, spent = seconds + length, spent + cost
        heard = dict(zip(ALL_ACOUSTIC, measurement.features.tolist(), strict=True))
        stimulus, notes = path.stem.rpartition("_")[0], truth["notes"]
        clips.append(Clip(stimulus, truth["parameters"], notes, truth_of(notes), heard, measurement))
    if not clips:
        parser.error(f"no clips with a .json in {folder}")
    speed = seconds / spent
    print(
        f"{len(clips)} clips of {seconds:.0f} s, heard at {speed:.0f} x real time (CPU, resampling included)"
    )
    print_notes(clips)
    print_ranks(clips)
    print_ranges(clips)


if __name__ == "__main__":
    main()
