"""The tables beside the clips of a corpus: the manifest, and the conditions of an experiment."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from avfbel.files import write_whole
from avfbel.stimulus.bounces import ball_bounces
from avfbel.stimulus.parameters import RANGES
from avfbel.stimulus.plans import Clip
from avfbel.stimulus.rendition import Rendition
from avfbel.stimulus.score import FRAMES_PER_SECOND

MANIFEST, CONDITIONS = "manifest.csv", "conditions.csv"
COLUMNS = ("media", "stimulus", "exemplar", "seed", *RANGES)


def write_tables(clips: Sequence[Clip], folder: Path, rendition: Rendition) -> Path:
    """Write both tables of a corpus.

    Parameters
    ----------
    clips : sequence of Clip
    folder : Path
        Where the clips are.
    rendition : Rendition
        How they were made.

    Returns
    -------
    Path
        The manifest.
    """
    further = [name for name, _ in clips[0].labels]
    conditions = [condition(clip, rendition) for clip in clips]
    write_whole(folder / CONDITIONS, _csv(list(conditions[0]), conditions))
    rows = (manifest_row(clip, rendition) for clip in clips)
    return write_whole(folder / MANIFEST, _csv([*COLUMNS, *further], rows))


def manifest_row(clip: Clip, rendition: Rendition) -> dict[str, Any]:
    """Give the row of a clip in ``manifest.csv``: its file, what it is, and the parameters of its melody.

    A clip of film only has the parameters of its film.
    """
    suffix = ".wav" if rendition.only == "sound" else ".mp4"
    score = clip.film if rendition.only == "film" and clip.film is not None else clip.music
    return {
        "media": f"{clip.stem}{suffix}",
        "stimulus": clip.stimulus,
        "exemplar": clip.exemplar,
        "seed": score.seed,
        **asdict(score.parameters),
        **dict(clip.labels),
    }


def condition(clip: Clip, rendition: Rendition) -> dict[str, Any]:
    """Give the row of a clip in ``conditions.csv``, as PsychoPy reads it.

    Names of columns are names that a Builder experiment can use as they are; times are in s from the start of
    the file, and film frames are counted from 0. What a clip lacks is empty, which PsychoPy reads as None.
    """
    music, film = rendition.prepared(clip.music, clip.film or clip.music)
    bounces = ball_bounces(film)
    heard, shown = rendition.only != "film", rendition.only != "sound"
    return {
        "movie_file": f"{clip.stem}.mp4" if shown else "",
        "sound_file": f"{clip.stem}.wav" if heard else "",
        "clip_stimulus": clip.stimulus,
        "clip_exemplar": clip.exemplar,
        "clip_seconds": round(music.length_s, 6),
        "clip_frames": round(film.length_s * FRAMES_PER_SECOND) if shown else "",
        "first_onset_s": round((music if heard else film).notes[0].onset_s, 6),
        "first_bounce_s": round(bounces[0].start_s, 6) if shown and bounces else "",
        "n_notes": len(music.notes) if heard else "",
        "n_bounces": len(bounces) if shown else "",
        **{f"clip_{name}": value for name, value in manifest_row(clip, rendition).items() if name in RANGES},
        **{f"clip_{name}": value for name, value in clip.labels},
    }


def _csv(columns: list[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    table = io.StringIO()
    writer = csv.DictWriter(table, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return table.getvalue().encode()
