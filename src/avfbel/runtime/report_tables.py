"""The tables of a report: every number that is drawn, for those who read or hear rather than look."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from avfbel.emotion import EMOTIONS
from avfbel.runtime.attribution import PATHWAYS, SOURCES
from avfbel.runtime.attribution_figure import contributions
from avfbel.senses.features import ALL_ACOUSTIC, VISUAL_FEATURES

if TYPE_CHECKING:
    from avfbel.runtime.analysis import Analysis

MISSING = "–"

_UNITS = {
    "speed": "bounces/min",
    "bigsmall": "frame heights",
    "updown": "rad",
    "pitch": "Hz",
    "tempo": "bpm",
    "duration": "s",
}


def tables(analysis: Analysis) -> str:
    """Return the tables of all windows as HTML, each under a heading that opens and closes it."""
    made = [_emotion_table(analysis), _region_table(analysis), _feature_table(analysis)]
    if analysis.has_attribution:
        made.append(_contribution_table(analysis))
    return "\n".join(made)


def number(value: float | None, digits: int = 3) -> str:
    """Write a number with at least so many significant digits; a dash for what is missing.

    Examples
    --------
    >>> number(0.12345), number(288.7966), number(None), number(-0.00004), number(0.0)
    ('0.123', '289', '–', '−0.00004', '0')
    """
    if value is None:
        return MISSING
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}".replace("-", "−")
    text = f"{value:.{digits}g}"
    if "e" in text:
        text = f"{value:.8f}".rstrip("0").rstrip(".")
    return text.replace("-", "−") if float(text) else "0"


def _emotion_table(analysis: Analysis) -> str:
    heads = ["EPP", "interval", "valence", "intensity", *EMOTIONS, "in range of training", "evidence"]
    rows = []
    for window in analysis.windows:
        known = window.epp_low is not None and window.epp_high is not None
        interval = f"{window.epp_low:.3f} to {window.epp_high:.3f}" if known else MISSING
        numbers = [window.valence, window.intensity, *(getattr(window.emotion, name) for name in EMOTIONS)]
        truths = ["yes" if truth else "no" for truth in (window.in_range, window.evidence)]
        rows.append([f"{window.epp:.3f}", interval, *(f"{value:.3f}" for value in numbers), *truths])
    return _table("emotion", "Emotional positivity and emotions", heads, rows, analysis, opened=True)


def _region_table(analysis: Analysis) -> str:
    heads = [*analysis.windows[0].regions]
    heads += [f"{gate}, {sense}" for gate in ("attention", "evidence") for sense in ("heard", "seen")]
    rows = []
    for window in analysis.windows:
        gates = (window.gate_audio, window.gate_video, window.g_audio, window.g_video)
        rows.append([number(value) for value in (*window.regions.values(), *gates)])
    return _table("regions", "Activity of regions, gates of the senses", heads, rows, analysis)


def _feature_table(analysis: Analysis) -> str:
    names = (*VISUAL_FEATURES, *ALL_ACOUSTIC)
    heads = [f"{name} ({_UNITS[name]})" if name in _UNITS else name for name in names]
    rows = [[number(window.features[name]) for name in names] for window in analysis.windows]
    return _table("features", "Measured features", heads, rows, analysis)


def _contribution_table(analysis: Analysis) -> str:
    senses = {"audio": "heard", "video": "seen"}
    heads = [f"{senses[sense]}: {'all average' if name == 'reference' else name}" for sense, name in SOURCES]
    heads += [f"pathway: {name}" for name in PATHWAYS]
    rows = [
        [f"{value:+.4f}".replace("-", "−") for value in (*told.sum(axis=1), *told.sum(axis=0))]
        for told in contributions(analysis)
    ]
    title = "Contributions to EPP: with 0.5, all features add up to it, and so do all pathways"
    return _table("contributions", title, heads, rows, analysis)


def _table(
    name: str,
    title: str,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    analysis: Analysis,
    *,
    opened: bool = False,
) -> str:
    top = "".join(f'<th scope="col">{escape(head)}</th>' for head in ("window", "from – to (s)", *heads))
    body = "\n".join(
        f'<tr><th scope="row">{window.index + 1}</th><td>{window.start_s:.2f} – {window.end_s:.2f}</td>'
        + "".join(f"<td>{cell}</td>" for cell in row)
        + "</tr>"
        for window, row in zip(analysis.windows, rows, strict=True)
    )
    return (
        f"<details{' open' * opened}><summary>{escape(title)}</summary>\n"
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(title)}">'
        f'<table id="table-{name}"><thead><tr>{top}</tr></thead>\n<tbody>{body}</tbody></table></div>'
        "</details>"
    )
