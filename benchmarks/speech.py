"""Time learning from sound alone: as many clips as EmoDB has, trained and evaluated by speaker.

    python benchmarks/speech.py [--clips 535] [--jobs N] [--out benchmarks/results/speech.json]

Makes short vowel-like tones of ten speakers, angry, afraid, happy, sad and neutral, whose pitch, loudness and
tempo depend on emotion and speaker, lays them out and names them as EmoDB does, and runs three commands as
whole processes: `avfbel data manifest emodb`, `avfbel train --model m-bel` and `avfbel evaluate --model m-bel
--protocol leave-group-out:speaker`. Prints the wall-clock time of each and of the last two together, beside
the length of the sound, and the score. The voices are made up: the score says that it learns, not how well it
does on people.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

import numpy as np

RATE = 16_000
SPEAKERS = ("03", "08", "09", "10", "11", "12", "13", "14", "15", "16")
TEXTS = ("a01", "a02", "a04", "a05", "a07", "b01", "b02", "b03", "b09", "b10")
VOICES = {  # letter of EmoDB: factor on the pitch, syllables a second, loudness, fall of pitch in a syllable
    "W": (1.5, 5.5, 0.35, 0.25),
    "A": (1.6, 6.0, 0.12, 0.05),
    "F": (1.7, 5.0, 0.25, -0.25),
    "T": (0.9, 2.5, 0.06, 0.10),
    "N": (1.0, 4.0, 0.15, 0.05),
}


def main() -> None:
    """Make the voices, time the commands, print and save the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=535)
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    print(f"load of the machine before: {os.getloadavg()[0]:.2f}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sound_s = make_voices(folder / "emodb" / "wav", options.clips)
        result = measure(folder, options.jobs)
    result |= {"clips": options.clips, "sound_s": sound_s, "jobs": options.jobs}
    print(
        "{clips} clips, {sound_s:.0f} s of sound: manifest {manifest_s:.1f} s, "
        "train {train_s:.1f} s, evaluate {evaluate_s:.1f} s; both {both_s:.1f} s, {share:.2f} of five "
        "minutes; valence r {r:.2f}".format(**result)
    )
    if options.out:
        report = {"command": f"python benchmarks/speech.py --clips {options.clips}", "cores": os.cpu_count()}
        report |= {"python": platform.python_version(), "result": result}
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def measure(folder: Path, jobs: int | None) -> dict[str, float]:
    """Run the three commands in a folder with sounds and return their times in s and the score."""
    clips, scores, bundle = folder / "clips.csv", folder / "scores.json", folder / "bundle"
    workers = ["--jobs", str(jobs)] if jobs else []
    by_speaker = ["--protocol", "leave-group-out:speaker"]
    times = {
        "manifest_s": timed(["data", "manifest", "emodb", str(folder / "emodb"), "--out", str(clips)]),
        "train_s": timed(["train", str(clips), "--model", "m-bel", "--out", str(bundle), *workers]),
        "evaluate_s": timed(
            ["evaluate", str(clips), "--out", str(scores), "--model", "m-bel", *by_speaker, *workers]
        ),
    }
    both_s = times["train_s"] + times["evaluate_s"]
    metrics = json.loads(scores.read_text(encoding="utf-8"))["results"][0]["metrics"]
    return {
        **times,
        "both_s": both_s,
        "share": both_s / 300,
        "kept": len(clips.read_text(encoding="utf-8").splitlines()) - 1,
        "r": metrics["audio"]["valence"]["r"],
    }


def timed(words: list[str]) -> float:
    """Return the wall-clock time of a command, in s."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "avfbel", *words], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"avfbel {' '.join(words)} failed: {done.stderr}")
    return time.perf_counter() - start


def make_voices(folder: Path, n_clips: int) -> float:
    """Write sounds under the names of EmoDB, and return their length together, in s."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    length_s, letters = 0.0, tuple(VOICES)
    for k in range(n_clips):
        speaker, rest = k % len(SPEAKERS), k // len(SPEAKERS)
        letter, take = letters[rest % len(letters)], rest // len(letters)
        text, version = TEXTS[take % len(TEXTS)], "abcdef"[take // len(TEXTS) % 6]
        voice = say(rng, pitch_hz=100 + 12 * speaker, letter=letter)
        length_s += len(voice) / RATE
        with wave.open(str(folder / f"{SPEAKERS[speaker]}{text}{letter}{version}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes((voice * 32767).astype("<i2").tobytes())
    return length_s


def say(rng: np.random.Generator, *, pitch_hz: float, letter: str) -> np.ndarray:
    """Return two to three seconds of vowels, between -1 and 1."""
    factor, syllables_hz, loudness, fall = VOICES[letter]
    t = np.arange(round(RATE * rng.uniform(2.0, 3.0))) / RATE
    rate_hz = syllables_hz * rng.uniform(0.9, 1.1)
    phase = (t * rate_hz) % 1.0
    f0 = pitch_hz * factor * rng.uniform(0.95, 1.05) * (1 - fall * phase)
    angle = 2 * np.pi * np.cumsum(f0) / RATE
    formants = rng.uniform((500, 1000), (800, 1600))
    voice = np.zeros(len(t))
    for harmonic in range(1, 16):
        gain = sum(np.exp(-(((harmonic * f0 - formant) / 250) ** 2)) for formant in formants) + 0.3 / harmonic
        voice += gain * np.sin(harmonic * angle)
    voice *= np.sin(np.pi * phase) ** 0.5
    voice += 0.01 * rng.normal(size=len(t))
    return loudness * rng.uniform(0.8, 1.2) * voice / np.abs(voice).max() * 2


if __name__ == "__main__":
    main()
