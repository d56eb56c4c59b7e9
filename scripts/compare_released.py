"""Set our clips' acoustic features and lengths beside the released ones, and tell why they differ.

python scripts/compare_released.py CORPUS [--exemplars 10] [--out docs/stimuli-compared.md]

CORPUS is a folder that `avfbel corpus build` has written. AVFBEL_DATA names the folder that holds
sievers2021/acoustic_features.csv, which is no part of the package (CC BY-NC 4.0). Writes the page, and its
figures to benchmarks/results/stimuli_compared.json; with --page only, the page anew from those figures.
Needs librosa; takes two to three minutes.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import re
import sys
import textwrap
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ConstantInputWarning, spearmanr

from avfbel.senses import ACOUSTIC_FEATURES, AcousticTrack, open_media
from avfbel.stimulus import named_stimuli

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "stimuli_compared.json"
PAGE = ROOT / "docs" / "stimuli-compared.md"
TEMPLATE = ROOT / "scripts" / "stimuli_compared.md"  # its sentences
RATE = 44_100
BLOCK = 65_536  # samples; what the faster released files are whole numbers of
SLOWEST_FAST_BPM = 106.625  # up to this, a released file lasts eight beats
HOP = 512  # samples from frame to frame in librosa
RELEASED = {name: f"{name}_mean" for name in ACOUSTIC_FEATURES}

Array = NDArray[np.float64]

WAYS: dict[str, dict[str, str]] = {
    "pitch": {
        "ear": "the ear: median fundamental, Hz",
        "as is": "mean of all of `piptrack`, our file",
        "length": "the same, file as long as theirs",
        "dither": "the same, with one bit of dither",
        "bright": "the same, tones of equal partials up to 5 kHz in place of the piano",
    },
    "tonnetz": {
        "ear": "the ear: mean size of the deviation of the tonal centroid",
        "size": "mean size of `tonnetz`, file as long as theirs",
        "length": "size of the mean of all of `tonnetz`, file as long as theirs",
    },
    "rms": {
        "ear": "the ear: root mean square of the window",
        "as is": "mean `rms` of the frames, our file",
        "length": "the same, file as long as theirs",
    },
    "tempo": {
        "ear": "the ear: onsets per minute",
        "folded": "the same, by octaves into 85–170 bpm",
        "length": "`tempo`, file as long as theirs",
    },
    "duration": {
        "ear": "the ear: mean sounding length of notes, s",
        "as is": "length of our file, s",
        "length": "eight beats at bpm ≤ 106.625, else three blocks of 65 536 samples, s",
    },
}
PRESUMED = {"pitch": "bright", "tonnetz": "length", "rms": "length", "tempo": "length", "duration": "length"}


def listen(path: Path) -> dict[str, float]:
    """Measure the five features of a whole file as the package hears them."""
    track = AcousticTrack()
    with open_media(path, video=False) as media:
        for sound in media:
            track.push(sound.samples, sound.rate, sound.time_s)
        features = track.measure(0.0, media.duration_s).features
    return dict(zip(ACOUSTIC_FEATURES, features[:5].tolist(), strict=True))


def read_mono(path: Path) -> Array:
    """Read a file's sound as one channel, full scale 1."""
    parts = []
    with open_media(path, video=False) as media:
        for sound in media:
            if sound.rate != RATE:
                sys.exit(f"{path} has {sound.rate} samples a second, not {RATE}")
            samples = np.asarray(sound.samples, np.float64)
            parts.append(samples if samples.ndim == 1 else samples.mean(axis=1))
    return np.concatenate(parts)


def released_samples(bpm: float) -> int:
    """Samples of a released file: eight beats of a slow stimulus, else (mostly) three blocks."""
    return round(480 / bpm * RATE) if bpm <= SLOWEST_FAST_BPM else 3 * BLOCK


def fitted(samples: Array, n: int) -> Array:
    """Cut sound to n samples, or add silence up to them."""
    return np.pad(samples[:n], (0, max(0, n - len(samples))))


def equal_partials(notes: list[dict[str, Any]], n: int) -> Array:
    """Sound notes with partials of equal strength up to 5 kHz, by the closed form of a sum of cosines."""
    sound = np.zeros(n)
    for note in notes:
        frequency = 440 * 2 ** ((note["pitch"] - 69) / 12)
        first = int(note["onset_s"] * RATE)
        last = min(n, first + int((note["duration_s"] + 0.1) * RATE))
        if last <= first:
            continue
        time = np.arange(last - first) / RATE
        count, half = max(1, int(5000 // frequency)), np.pi * frequency * time + 5e-7
        wave = np.sin(count * half) * np.cos((count + 1) * half) / np.sin(half) / math.sqrt(count)
        release = np.minimum(1, (last - first - np.arange(last - first)) / 2000)
        sound[first:last] += wave * np.exp(-time / 0.8) * release
    return 0.3 * sound / np.abs(sound).max()


def sixteen_bits(samples: Array, rng: np.random.Generator | None = None) -> NDArray[np.float32]:
    """Round to 16 bits, with triangular dither of one bit if a generator is given."""
    noise = rng.random(len(samples)) - rng.random(len(samples)) if rng else 0.0
    return np.asarray(np.rint(samples * 32_768 + noise) / 32_768, np.float32)


def recompute(samples: Array, notes: list[dict[str, Any]], bpm: float, seed: int) -> dict[str, Array]:
    """Compute what the released columns presumably are, in the ways of `WAYS`."""
    import librosa

    def pitch(sound: NDArray[np.float32]) -> float:
        return float(librosa.piptrack(S=np.abs(librosa.stft(sound)), sr=RATE)[0].mean())

    n, rng = released_samples(bpm), np.random.default_rng(seed)
    own, long = sixteen_bits(samples), sixteen_bits(fitted(samples, n))
    tonnetz = librosa.feature.tonnetz(y=long, sr=RATE)
    tempo = librosa.feature.tempo(onset_envelope=librosa.onset.onset_strength(y=long, sr=RATE), sr=RATE)
    return {
        "pitch/as is": pitch(own),
        "pitch/length": pitch(long),
        "pitch/dither": pitch(sixteen_bits(fitted(samples, n), rng)),
        "pitch/bright": pitch(sixteen_bits(equal_partials(notes, n), rng)),
        "tonnetz/size": float(np.abs(tonnetz).mean()),
        "tonnetz/length": float(abs(tonnetz.mean())),
        "rms/as is": float(librosa.feature.rms(y=own).mean()),
        "rms/length": float(librosa.feature.rms(y=long).mean()),
        "tempo/length": float(tempo[0]),
        "duration/as is": len(samples) / RATE,
        "duration/length": n / RATE,
    }


def folded(tempo: float) -> float:
    """Bring a tempo by octaves to within half an octave of 120 bpm."""
    return tempo / 2 ** round(math.log2(tempo / 120)) if math.isfinite(tempo) else math.nan


def measure(corpus: Path, exemplars: int) -> dict[str, Array]:
    """Measure clips every way: arrays of shape (38, exemplars), and the notes' mean pitch as "midi"."""
    stimuli = named_stimuli()
    with (corpus / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if int(row["exemplar"]) < exemplars]
    clips = {(row["stimulus"], int(row["exemplar"])): corpus / row["media"] for row in rows}
    wanted = [(name, k) for name in stimuli for k in range(exemplars)]
    missing = [f"{name} {k}" for name, k in wanted if (name, k) not in clips]
    if missing:
        sys.exit(f"{corpus} lacks {len(missing)} clips, such as {missing[0]}: build it with --exemplars")
    table: dict[str, list[float]] = {}
    for done, (name, k) in enumerate(wanted):
        print(f"clip {done} of {len(wanted)}", end="\r", file=sys.stderr)
        media = clips[name, k]
        sound = media.with_suffix(".wav") if media.with_suffix(".wav").exists() else media
        notes = json.loads(media.with_suffix(".json").read_text(encoding="utf-8"))["notes"]
        heard = listen(sound)
        values = {f"{feature}/ear": value for feature, value in heard.items()}
        values |= {
            "tempo/folded": folded(heard["tempo"]),
            "midi": float(np.mean([n["pitch"] for n in notes])),
        }
        values |= recompute(read_mono(sound), notes, stimuli[name].bpm, done)
        for key, value in values.items():
            table.setdefault(key, []).append(value)
    return {key: np.reshape(values, (len(stimuli), exemplars)) for key, values in table.items()}


def read_released() -> dict[str, Array]:
    """Read the released columns, shape (38, 20) each, stimuli in alphabetical order."""
    given = os.environ.get("AVFBEL_DATA")
    path = Path(given or ".") / "sievers2021" / "acoustic_features.csv"
    if not given or not path.is_file():
        sys.exit(f"no {path}: point AVFBEL_DATA at the folder that holds sievers2021/acoustic_features.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (row["stimulus"], int(row["participant"])))
    if sorted({row["stimulus"] for row in rows}) != list(named_stimuli()):
        sys.exit(f"{path} does not hold the 38 stimuli")
    return {
        name: np.reshape([float(row[column]) for row in rows], (38, -1)) for name, column in RELEASED.items()
    }


def rank(a: Array, b: Array) -> float | None:
    """Spearman correlation; None where one of both does not vary."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return round(float(spearmanr(a, b)[0]), 3)


def interval(a: Array, b: Array, *, draws: int = 2000) -> list[float] | None:
    """Bootstrap interval (95 %) of the rank correlation over stimuli."""
    if rank(a, b) is None:
        return None
    chosen = np.random.default_rng(0).integers(0, len(a), (draws, len(a)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantInputWarning)  # a draw of equal values tells nothing
        found = [float(spearmanr(a[rows], b[rows])[0]) for rows in chosen]
    return [round(float(q), 3) for q in np.nanquantile(found, (0.025, 0.975))]


def reliability(values: Array) -> float:
    """Share of the variance of the stimuli's means that is not the exemplars' scatter."""
    means = np.nanmean(values, axis=1)
    scatter = np.mean(np.nanvar(values, axis=1, ddof=1)) / values.shape[1]
    return round(float(np.clip(1 - scatter / np.var(means, ddof=1), 0, 1)), 3)


def median_difference(a: Array, b: Array, rows: NDArray[np.bool_]) -> float:
    """Median relative difference of a from b, in percent."""
    return round(float(100 * np.median(np.abs(a / b - 1)[rows])), 1)


def figures(ours: dict[str, Array], released: dict[str, Array]) -> dict[str, Any]:
    """Gather every number of the page."""
    stimuli = named_stimuli()
    bpm = np.array([p.bpm for p in stimuli.values()])
    fast = bpm > SLOWEST_FAST_BPM
    mean = {key: np.nanmean(values, axis=1) for key, values in (ours | released).items()}
    unknown = [key for key, values in mean.items() if not np.isfinite(values).all()]
    if unknown:
        sys.exit(f"{unknown[0]} of a stimulus was measured in none of its clips: take more --exemplars")
    table = {
        feature: {
            way: {
                "rho": rank(mean[f"{feature}/{way}"], mean[feature]),
                "interval": interval(mean[f"{feature}/{way}"], mean[feature]),
                "rho_fast": rank(mean[f"{feature}/{way}"][fast], mean[feature][fast]),
                "rho_spread": rank(
                    np.nanstd(ours[f"{feature}/{way}"], axis=1), np.nanstd(released[feature], axis=1)
                ),
                "median": round(float(np.nanmedian(mean[f"{feature}/{way}"])), 4),
                "reliability": reliability(ours[f"{feature}/{way}"])
                if np.ptp(mean[f"{feature}/{way}"])
                else None,
            }
            for way in ways
        }
        for feature, ways in WAYS.items()
    }
    middle = (bpm > 55) & (bpm < 180)
    slow_length = mean["duration"][~fast]
    silent = 1 - 3 * BLOCK / RATE / slow_length
    slope, base = np.polyfit(silent, mean["pitch"][~fast], 1)
    lags = 60 * RATE / HOP / released["tempo"]
    blocks = released["duration"][fast] * RATE / BLOCK
    sounding = [released["pitch"][fast][np.rint(blocks) == n] for n in (2, 3, 4)]
    updown, consonance = ([getattr(p, key) for p in stimuli.values()] for key in ("updown", "consonance"))
    facts = {
        "pitch_max": round(float(released["pitch"].max()), 1),
        "pitch_silence_slope": round(float(slope), 1),
        "pitch_silence_base": round(float(base), 1),
        "pitch_silence_r": round(float(np.corrcoef(silent, mean["pitch"][~fast])[0, 1]), 3),
        "pitch_by_blocks": [round(float(part.mean()), 1) for part in sounding],
        "pitch_midi_fast": rank(mean["pitch"][fast], mean["midi"][fast]),
        "pitch_midi": rank(mean["pitch"], mean["midi"]),
        "ear_midi": rank(mean["pitch/ear"], mean["midi"]),
        "tonnetz_least": float(released["tonnetz"].min()),
        "tonnetz_consonance": rank(mean["tonnetz"], np.array(consonance)),
        "ear_tonnetz_consonance": rank(mean["tonnetz/ear"], np.array(consonance)),
        "rms_midi_fast": rank(mean["rms"][fast], mean["midi"][fast]),
        "rms_updown_fast": rank(mean["rms"][fast], np.array(updown)[fast]),
        "ours_rms_updown_fast": rank(mean["rms/length"][fast], np.array(updown)[fast]),
        "rms_length": rank(mean["rms"], mean["duration"]),
        "tempo_grid_deviation": float(f"{np.abs(lags - np.rint(lags)).max():.1g}"),
        "tempo_range": [round(float(q)) for q in (released["tempo"].min(), released["tempo"].max())],
        "tempo_bpm": rank(mean["tempo"], bpm),
        "ear_tempo_bpm": rank(mean["tempo/ear"], bpm),
        "librosa_tempo_bpm": rank(mean["tempo/length"], bpm),
        "tempo_near": median_difference(mean["tempo/length"], mean["tempo"], middle),
        "tempo_far": median_difference(mean["tempo/length"], mean["tempo"], ~middle),
        "tempo_rho_near": rank(mean["tempo/length"][middle], mean["tempo"][middle]),
        "tempo_ear_near": median_difference(mean["tempo/ear"], mean["tempo"], middle),
        "tempo_n_near": int(middle.sum()),
        "tempo_slowest": [round(float(mean[key][bpm < 52].mean())) for key in ("tempo/length", "tempo")],
        "tempo_quick_range": [round(float(q)) for q in np.quantile(mean["tempo"][bpm > 180], (0, 1))],
        "tempo_quick_reliability": [
            reliability(values[bpm > 180]) for values in (ours["tempo/length"], released["tempo"])
        ],
        "note_length_bpm": rank(mean["duration/ear"], bpm),
        "blocks": {
            name: int((np.rint(blocks) == n).sum()) for n, name in ((2, "two"), (3, "three"), (4, "four"))
        },
        "blocks_deviation": round(float(np.abs(blocks - np.rint(blocks)).max() * BLOCK), 2),
        "beats_deviation_s": float(
            f"{np.abs(released['duration'][~fast] - 480 / bpm[~fast, None]).max():.1g}"
        ),
    }
    lengths = [
        {"stimulus": name, "bpm": p.bpm, "released_s": round(480 / p.bpm, 4), "ours_s": round(own, 4)}
        for (name, p), own in sorted(
            zip(stimuli.items(), ours["duration/as is"][:, 0], strict=True), key=lambda x: x[0][1].bpm
        )
        if p.bpm <= SLOWEST_FAST_BPM
    ]
    fast_lengths = ours["duration/as is"][fast]
    return {
        "command": "python scripts/compare_released.py CORPUS",
        "exemplars": ours["midi"].shape[1],
        "features": table,
        "released": {
            name: {
                "median": round(float(np.median(mean[name])), 4),
                "reliability": reliability(released[name]),
            }
            for name in ACOUSTIC_FEATURES
        },
        "facts": facts,
        "lengths": lengths,
        "n_fast_files": int(fast.sum()) * released["duration"].shape[1],
        "fast_lengths_s": [round(float(q), 4) for q in (fast_lengths.min(), fast_lengths.max())],
    }


CLAIMS: dict[str, Callable[[dict[str, Any], dict[str, Any]], bool]] = {
    "the released pitch of slow stimuli follows the share of silence": lambda f, x: (
        x["pitch_silence_r"] > 0.95
    ),
    "dither in the silence brings the pitch of our clips toward theirs": lambda f, x: (
        f["pitch"]["dither"]["rho"] > f["pitch"]["length"]["rho"] + 0.2
    ),
    "equal partials explain the faster stimuli": lambda f, x: (
        f["pitch"]["bright"]["rho_fast"] > f["pitch"]["dither"]["rho_fast"] + 0.2
    ),
    "lower notes give more released pitch": lambda f, x: x["pitch_midi_fast"] < -0.3,
    "the ear's pitch is that of the notes": lambda f, x: x["ear_midi"] > 0.9,
    "the size of the mean has the released scale": lambda f, x: (
        f["tonnetz"]["length"]["median"] < f["tonnetz"]["size"]["median"] / 2
    ),
    "the scatter of exemplars tells the two tonnetz readings apart": lambda f, x: (
        f["tonnetz"]["length"]["rho_spread"] > f["tonnetz"]["size"]["rho_spread"] + 0.3
    ),
    "octaves alone do not explain tempo": lambda f, x: (
        f["tempo"]["folded"]["rho"] < f["tempo"]["length"]["rho"]
    ),
    "from 55 to 180 bpm librosa's tempo is the released one": lambda f, x: (
        x["tempo_near"] < 6 and x["tempo_rho_near"] > 0.8 and x["tempo_far"] > x["tempo_near"]
    ),
    "both tonnetz follow consonance": lambda f, x: (
        min(x["tonnetz_consonance"], x["ear_tonnetz_consonance"]) > 0.6
    ),
    "the frames' mean and the files' length bring rms nearer": lambda f, x: (
        f["rms"]["length"]["rho"] > f["rms"]["as is"]["rho"]
    ),
    "both get louder as melodies fall": lambda f, x: (
        min(x["rms_updown_fast"], x["ours_rms_updown_fast"]) > 0.2
    ),
    "released tempi lie on the grid of autocorrelation": lambda f, x: x["tempo_grid_deviation"] < 1e-6,
    "the ear's tempo is that of the notes": lambda f, x: x["ear_tempo_bpm"] > 0.9,
    "the autocorrelation brings tempo nearer": lambda f, x: (
        f["tempo"]["length"]["rho"] > f["tempo"]["ear"]["rho"] + 0.1
    ),
    "above 180 bpm ranks of tempo are mostly chance": lambda f, x: x["tempo_quick_reliability"][0] < 0.6,
    "below 52 bpm the released tempo is quicker": lambda f, x: x["tempo_slowest"][0] < x["tempo_slowest"][1],
    "released durations are file lengths": lambda f, x: (
        x["beats_deviation_s"] < 1e-3 and x["blocks_deviation"] < 1
    ),
}
"""What the page's sentences say, as tests of the figures."""


def failed_claims(result: dict[str, Any]) -> list[str]:
    """Name the sentences that the figures do not bear out."""
    return [claim for claim, holds in CLAIMS.items() if not holds(result["features"], result["facts"])]


def main() -> None:
    """Measure, save and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path, nargs="?")
    parser.add_argument("--exemplars", type=int, default=10)
    parser.add_argument("--out", type=Path, default=PAGE)
    parser.add_argument("--page", action="store_true")
    options = parser.parse_args()
    if options.page:
        result = json.loads(RESULTS.read_text(encoding="utf-8"))
    elif options.corpus is None:
        parser.error("name the folder of the corpus")
    else:
        released = read_released()
        result = figures(measure(options.corpus, options.exemplars), released)
        RESULTS.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    options.out.write_text(page(result), encoding="utf-8")
    for claim in failed_claims(result):
        print(f"not borne out, reword the page: {claim}", file=sys.stderr)
    print(summary(result))


def number(value: float | None) -> str:
    """Write a correlation; a dash for none."""
    return "–" if value is None else f"{value:.2f}"


def with_interval(row: dict[str, Any]) -> str:
    """Write a correlation with its interval."""
    if row["interval"] is None:
        return "–"
    low, high = map(number, row["interval"])
    return f"{number(row['rho'])} [{low}, {high}]"


def summary(result: dict[str, Any]) -> str:
    """Return one row a feature: the ear, the presumed computation, and the most that can be reached."""
    lines = [
        "| feature | ρ of the ear [95 %] | ρ of what the column presumably is [95 %] | most to expect |",
        "|---|---|---|---|",
    ]
    for feature, way in PRESUMED.items():
        ear, presumed = (result["features"][feature][key] for key in ("ear", way))
        known = (presumed["reliability"], result["released"][feature]["reliability"])
        most = None if None in known else math.sqrt(known[0] * known[1])
        lines.append(f"| {feature} | {with_interval(ear)} | {with_interval(presumed)} | {number(most)} |")
    return "\n".join(lines)


def ways_table(result: dict[str, Any], feature: str) -> str:
    """Return one row a way of measuring a feature."""
    lines = [
        f"| {feature}, measured as | ρ, 38 stimuli [95 %] | ρ, 31 faster | ρ of the spreads | median |",
        "|---|---|---|---|---|",
    ]
    for way, text in WAYS[feature].items():
        row = result["features"][feature][way]
        cells = [text, with_interval(row), number(row["rho_fast"]), number(row["rho_spread"])]
        lines.append(f"| {' | '.join(cells)} | {row['median']:.4g} |")
    lines.append(f"| released column | | | | {result['released'][feature]['median']:.4g} |")
    return "\n".join(lines)


def lengths_table(result: dict[str, Any]) -> str:
    """Return the lengths of the slow stimuli."""
    lines = [
        "| stimulus | bpm | released: 480 / bpm, s | ours, s | silence to add (`--after`), s |",
        "|---|---|---|---|---|",
    ]
    for row in result["lengths"]:
        lines.append(
            f"| {row['stimulus']} | {row['bpm']:g} | {row['released_s']:.3f} | {row['ours_s']:.3f} | "
            f"{row['released_s'] - row['ours_s']:.3f} |"
        )
    return "\n".join(lines)


def page(result: dict[str, Any]) -> str:
    """Return the page: the template's sentences with the figures put in."""
    text = TEMPLATE.read_text(encoding="utf-8").format(
        result=result,
        f=result["features"],
        r=result["released"],
        x=result["facts"],
        summary=summary(result),
        lengths=lengths_table(result),
        ours_s=" to ".join(sorted({f"{length:.3f}" for length in result["fast_lengths_s"]})),
        **{f"{feature}_table": ways_table(result, feature) for feature in ACOUSTIC_FEATURES},
    )
    text = re.sub(r"(?<![\w-])-(?=\d)", "−", text)
    return (
        "\n\n".join(
            part if part.startswith(("|", "#", "<!--")) else refilled(part)
            for part in text.strip().split("\n\n")
        )
        + "\n"
    )


def refilled(paragraph: str) -> str:
    """Break a paragraph's lines anew, now that the figures are in."""
    return textwrap.fill(paragraph, 120, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    main()
