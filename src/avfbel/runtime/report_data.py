"""What the page of a report knows of an analysis: columns of numbers, ready to be drawn."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from avfbel.emotion import EMOTIONS
from avfbel.runtime.attribution import PATHWAYS, SOURCES
from avfbel.runtime.attribution_figure import PATHWAY_COLOURS, SOURCE_COLOURS, contributions
from avfbel.runtime.figure import EMOTION_COLOURS, window_edges
from avfbel.runtime.report_circuit import PLACES

if TYPE_CHECKING:
    from avfbel.runtime.analysis import Analysis

_DIGITS = 6  # significant ones: more than are shown, and half of the bytes


def page_data(analysis: Analysis) -> dict[str, Any]:
    """Return what the page draws, by column; None is what could not be measured or is not known.

    Parameters
    ----------
    analysis : Analysis
        With contributions or without.

    Returns
    -------
    dict
        Ready for JSON. ``edges`` are the borders between windows on the time axis, in s: halfway between
        the middles of neighbours, and the ends of the clip.
    """
    windows = analysis.windows
    columns = ("start_s", "end_s", "epp", "epp_low", "epp_high", "valence", "intensity")
    return {
        "name": PurePath(analysis.media).name,
        "duration": analysis.duration_s,
        "edges": _rounded(window_edges(analysis).tolist()),
        **{name: _rounded(getattr(window, name) for window in windows) for name in columns},
        "in_range": [window.in_range for window in windows],
        "evidence": [window.evidence for window in windows],
        "heard": _rounded(window.g_audio for window in windows),
        "seen": _rounded(window.g_video for window in windows),
        "emotions": [
            {
                "name": name,
                "colour": EMOTION_COLOURS[name],
                "values": _rounded(getattr(window.emotion, name) for window in windows),
            }
            for name in EMOTIONS
        ],
        "regions": _regions(analysis),
        "sources": _sources(analysis) if analysis.has_attribution else [],
        "pathways": _pathways(analysis) if analysis.has_attribution else [],
    }


def _regions(analysis: Analysis) -> list[dict[str, Any]]:
    """Return title, sentence and course of each region of the diagram, and of each other one of the model."""
    known = {place.name: place for place in PLACES}
    traced = list(analysis.windows[0].regions)
    told = []
    for name in (*known, *(name for name in traced if name not in known)):
        place = known.get(name)
        values = [window.regions[name] for window in analysis.windows] if name in traced else []
        told.append(
            {
                "name": name,
                "title": place.title if place else name,
                "sentence": place.sentence if place else "A further region of this model.",
                "unit": place.unit if place else "",
                "values": _rounded(values),
            }
        )
    return told


def _sources(analysis: Analysis) -> list[dict[str, Any]]:
    by_source = dict(zip(SOURCES, contributions(analysis).sum(axis=2).T, strict=True))
    return [
        {
            "name": "all average" if name == "reference" else name,
            "sense": {"audio": "heard", "video": "seen"}[sense],
            "colour": colour,
            "values": _rounded(by_source[sense, name].tolist()),
        }
        for (sense, name), colour in SOURCE_COLOURS.items()
    ]


def _pathways(analysis: Analysis) -> list[dict[str, Any]]:
    by_pathway = dict(zip(PATHWAYS, contributions(analysis).sum(axis=1).T, strict=True))
    return [
        {"name": name, "colour": PATHWAY_COLOURS[name], "values": _rounded(by_pathway[name].tolist())}
        for name in PATHWAYS
    ]


def _rounded(values: Iterable[float | None]) -> list[float | None]:
    return [None if value is None else float(f"{value:.{_DIGITS}g}") for value in values]
