"""The files of one clip: melody, sound, film and the truth about both, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from avfbel._version import __version__
from avfbel.files import whole_files
from avfbel.stimulus.bounces import ball_bounces
from avfbel.stimulus.film import write_film
from avfbel.stimulus.midi import write_midi
from avfbel.stimulus.motion import ball_motion
from avfbel.stimulus.rendition import Rendition
from avfbel.stimulus.score import Score
from avfbel.stimulus.sound import synthesize, write_wav

PLAIN = Rendition()
BEYOND_SUMMARY = ("bounces", "frames", "bytes")  # what the file tells of how the clip turned out


def write_stimulus(
    score: Score,
    folder: str | Path,
    stem: str,
    *,
    film: Score | None = None,
    rendition: Rendition = PLAIN,
) -> list[Path]:
    """Write the files of a clip.

    Parameters
    ----------
    score : Score
        Of the melody, and of the film too if no other is given.
    folder : str or Path
        Made if it does not exist.
    stem : str
        Name of the files without their suffixes; existing files of this name are replaced.
    film : Score, optional
        Of the film, if it is to belong to another melody than the one that is heard.
    rendition : Rendition
        How the scores become files.

    Returns
    -------
    list of Path
        ``stem.mid``, ``stem.wav``, ``stem.mp4`` and ``stem.json``, in this order, as far as the rendition has
        them. The last one holds what `ground_truth` tells, and the sizes of the others in ``bytes``.

    Raises
    ------
    OSError
        If the folder cannot be written to; nothing is left behind then.
    UsageError
        If the sound cannot have the loudness asked for.
    InputError
        If the sound font cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> from avfbel.stimulus import compose, named
    >>> score = compose(named("happy"), seed=7, seconds=0.5, strict=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in write_stimulus(score, folder, "happy_0007")]
    ['happy_0007.mid', 'happy_0007.wav', 'happy_0007.mp4', 'happy_0007.json']
    """
    truth = ground_truth(score, film=film, rendition=rendition)
    music, film = rendition.prepared(score, film or score)
    samples = None
    if rendition.only != "film":
        samples = synthesize(
            music, sound=rendition.sound, soundfont=rendition.soundfont, loudness=rendition.loudness
        )
    writers: dict[str, Callable[[Path], object]] = {
        ".mid": lambda path: write_midi(music, path),
        ".mp4": lambda path: write_film(film, samples, path, size=rendition.size),
    }
    if samples is not None:
        sound = samples
        writers[".wav"] = lambda path: write_wav(sound, path)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{stem}{suffix}" for suffix in rendition.suffixes]
    with whole_files(*paths) as parts:
        sizes = {}
        for suffix, part in zip(rendition.suffixes[:-1], parts, strict=False):
            writers[suffix](part)
            sizes[suffix[1:]] = part.stat().st_size
        told = json.dumps(truth | {"bytes": sizes}, indent=1) + "\n"
        parts[-1].write_text(told, encoding="utf-8")
    return paths


def ground_truth(score: Score, *, film: Score | None = None, rendition: Rendition = PLAIN) -> dict[str, Any]:
    """Tell all that is known about a clip, as its JSON file holds it.

    Parameters
    ----------
    score : Score
    film : Score, optional
        Of the film, if it is another one.
    rendition : Rendition

    Returns
    -------
    dict
        What `summary` tells, and if the clip has a film: ``bounces``, as `Bounce` has them, and ``frames``
        with the time ``time_s`` in s, the centre of the ball ``x, y`` in pixels from the top left, and the
        ``spikiness`` of its skin, 0 to about 0.2 radii.
    """
    told = summary(score, film=film, rendition=rendition)
    if rendition.only == "sound":
        return told
    _, film = rendition.prepared(score, film or score)
    motion = ball_motion(film, size=rendition.size)
    columns = (motion.time_s, motion.x, motion.y, motion.spikiness)
    return told | {
        "bounces": [bounce._asdict() for bounce in ball_bounces(film)],
        "frames": [
            {"time_s": round(t, 6), "x": round(x, 3), "y": round(y, 3), "spikiness": round(s, 6)}
            for t, x, y, s in zip(*(column.tolist() for column in columns), strict=True)
        ],
    }


def summary(score: Score, *, film: Score | None = None, rendition: Rendition = PLAIN) -> dict[str, Any]:
    """Tell what a clip is made of: enough to make it again.

    Parameters
    ----------
    score : Score
    film : Score, optional
        Of the film, if it is another one.
    rendition : Rendition

    Returns
    -------
    dict
        ``parameters``, ``seed``, ``variant``, ``seconds``, ``strict`` and ``notes`` (fields of `Note`; onsets
        count from the start of the clip) of the melody, under ``film`` the same of a film that belongs to
        another one, ``length_s``, ``rendition`` and the version of the generator.
    """
    music, shown = rendition.prepared(score, film or score)
    told = _score(music)
    if film is not None:
        told["film"] = _score(shown)
    return told | {"length_s": music.length_s, "rendition": rendition.told(), "avfbel": __version__}


def _score(score: Score) -> dict[str, Any]:
    return {
        "parameters": asdict(score.parameters),
        "seed": score.seed,
        "variant": score.variant,
        "seconds": score.seconds,
        "strict": score.strict,
        "notes": [note._asdict() for note in score.notes],
    }
