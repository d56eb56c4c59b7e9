"""The files of one clip: melody, sound, film and the truth about both, written whole or not at all."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from avfbel.files import whole_files
from avfbel.stimulus.film import write_film
from avfbel.stimulus.midi import write_midi
from avfbel.stimulus.motion import ball_motion
from avfbel.stimulus.score import Score
from avfbel.stimulus.sound import Sound, synthesize, write_wav

SUFFIXES = (".mid", ".wav", ".mp4", ".json")


def write_stimulus(score: Score, folder: str | Path, stem: str, *, sound: Sound = "piano") -> list[Path]:
    """Write the four files of a clip.

    Parameters
    ----------
    score : Score
    folder : str or Path
        Made if it does not exist.
    stem : str
        Name of the files without their suffixes; existing files of this name are replaced.
    sound : {"piano", "sine"}
        How the notes sound.

    Returns
    -------
    list of Path
        ``stem.mid``, ``stem.wav``, ``stem.mp4`` and ``stem.json``, in this order.

    Raises
    ------
    OSError
        If the folder cannot be written to; nothing is left behind then.

    Examples
    --------
    >>> import tempfile
    >>> from avfbel.stimulus import compose, named
    >>> score = compose(named("happy"), seed=7, seconds=0.5, strict=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in write_stimulus(score, folder, "happy_0007")]
    ['happy_0007.mid', 'happy_0007.wav', 'happy_0007.mp4', 'happy_0007.json']
    """
    samples = synthesize(score, sound=sound)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{stem}{suffix}" for suffix in SUFFIXES]
    with whole_files(*paths) as (midi, wav, film, truth):
        write_midi(score, midi)
        write_wav(samples, wav)
        write_film(score, samples, film)
        truth.write_text(json.dumps(ground_truth(score), indent=1) + "\n", encoding="utf-8")
    return paths


def ground_truth(score: Score) -> dict[str, Any]:
    """Tell all that is known about a clip, as its JSON file holds it.

    Parameters
    ----------
    score : Score

    Returns
    -------
    dict
        ``parameters``, ``seed``, ``variant``, ``notes`` (fields of `Note`) and ``frames`` (``time_s``, the
        centre of the ball ``x, y`` in pixels from the top left, ``spikiness`` 0 to about 0.2).
    """
    motion = ball_motion(score)
    columns = (motion.time_s, motion.x, motion.y, motion.spikiness)
    return {
        "parameters": asdict(score.parameters),
        "seed": score.seed,
        "variant": score.variant,
        "notes": [note._asdict() for note in score.notes],
        "frames": [
            {"time_s": round(t, 6), "x": round(x, 3), "y": round(y, 3), "spikiness": round(s, 6)}
            for t, x, y, s in zip(*(column.tolist() for column in columns), strict=True)
        ],
    }
