"""The measured features of files as a table: one row a window, without a model."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from avfbel.parallel import map_tasks
from avfbel.runtime.batch import sentence_of
from avfbel.runtime.files import Cell
from avfbel.runtime.fold import shown
from avfbel.senses.features import ALL_ACOUSTIC, VISUAL_FEATURES
from avfbel.senses.sensorium import Sensorium, fold, open_for

FEATURE_COLUMNS = ("media", "start_s", "end_s", *VISUAL_FEATURES, *ALL_ACOUSTIC)
"""Columns of the table: place of the window, the five visual features, the seven acoustic ones."""


@dataclass(frozen=True, kw_only=True)
class FeatureRows:
    """What was measured in one file: a row a window; a sentence, and a traceback, if anything was wrong."""

    media: str
    rows: tuple[tuple[Cell, ...], ...] = ()
    sentence: str = ""
    trace: str = ""


def feature_rows(
    media: Sequence[str], *, window: float = 4.0, hop: float = 1.0, jobs: int | None = None
) -> Iterator[FeatureRows]:
    """Measure media files and yield the rows of each, in the order in which the files are named.

    Parameters
    ----------
    media : sequence of str
        Film or sound files.
    window, hop : float
        Length of a window and distance of the starts of windows, in s.
    jobs : int, optional
        Number of processes; by default one a core, and not more than there are files.

    Yields
    ------
    FeatureRows
        One a file. What could not be measured is None.
    """
    tools = (window, hop, None if jobs == 1 or len(media) <= 1 else 1)
    waiting: dict[int, FeatureRows] = {}
    awaited = 0
    for done in map_tasks(_work, list(enumerate(media)), jobs=jobs, setup=_Tools, setup_args=tools):
        place, path = done.task
        died = FeatureRows(media=path, sentence=f"the process that measured {shown(path)} died: try it alone")
        waiting[place] = done.result or died
        while awaited in waiting:
            yield waiting.pop(awaited)
            awaited += 1


class _Tools(NamedTuple):
    window: float
    hop: float
    threads: int | None


def _work(tools: _Tools, task: tuple[int, str]) -> FeatureRows:
    _, path = task
    try:
        sensorium = Sensorium(window=tools.window, hop=tools.hop)
        with open_for(path, threads=tools.threads) as media:
            rows = tuple(
                (shown(path), sensed.start_s, sensed.end_s, *sensed.to_dict().values())
                for sensed in fold(media, sensorium)
            )
            early = f"{shown(path)} ends early or is damaged: measured as far as it decodes"
            early *= not media.complete
    except Exception as error:  # whatever it is, it is not to lose the other files
        return FeatureRows(media=path, sentence=sentence_of(error, path), trace=traceback.format_exc())
    return FeatureRows(media=path, rows=rows, sentence=early)
