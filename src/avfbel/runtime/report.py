"""The report of an analysis: one HTML file that plays the clip and shows the circuit at work, offline."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from html import escape
from importlib.resources import files
from os import PathLike
from pathlib import Path, PurePath
from string import Template
from typing import TYPE_CHECKING, Any

from avfbel.files import whole_files
from avfbel.runtime.report_circuit import circuit_svg
from avfbel.runtime.report_data import page_data
from avfbel.runtime.report_media import MOST_BYTES, Playable, playable
from avfbel.runtime.report_tables import tables
from avfbel.runtime.status import origin

if TYPE_CHECKING:
    from avfbel.runtime.analysis import Analysis

_SCRIPTS = ("clock.js", "charts.js", "circuit.js", "page.js")
_MEDIA = "\0"  # stands where the media go; no name and no text can hold it
_PIECE = 3 << 18  # bytes that are encoded at a time; three give four letters
_MARK = '<meta name="avfbel-origin" content="'
_HEAD = 4096  # bytes of a page in which its mark is looked for


def write_report(
    analysis: Analysis,
    path: str | PathLike[str],
    *,
    media: str | PathLike[str] | None = None,
    most_bytes: int = MOST_BYTES,
    threads: int | None = None,
) -> Path:
    """Write the report of an analysis, whole or not at all.

    Parameters
    ----------
    analysis : Analysis
        The result; with contributions, they are shown too.
    path : path
        The HTML file.
    media : path, optional
        The film or sound file, by default where it was when it was analysed.
    most_bytes : int
        Largest size of the media that are embedded; see `avfbel.runtime.report_media.playable`.
    threads : int, optional
        Threads that re-encode media that browsers do not play; by default as many as there are cores.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If the film or sound file cannot be read any more.
    OSError
        If the file cannot be written; nothing is left behind then.
    """
    path = Path(path)
    source = analysis.media if media is None else media
    try:
        with (
            whole_files(path) as (part,),
            playable(source, path.parent, most_bytes=most_bytes, threads=threads) as player,
            part.open("wb") as file,
        ):
            before, after = _page(analysis, player)
            file.write(before)
            file.writelines(_base64(player.content))
            file.write(after)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error  # names the file that was wanted
    return path


def origin_of(path: Path) -> str:
    """Return what a report was made from, as `mark_of` tells it; empty if that file is no report."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD).decode("utf-8", "replace")
    except OSError:
        return ""
    _, _, rest = head.partition(_MARK)
    return rest.partition('"')[0]


def mark_of(provenance: dict[str, Any]) -> str:
    """Return a short mark of what a result depends on: input, bundle, version and settings."""
    told = json.dumps(origin(provenance), sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _page(analysis: Analysis, player: Playable) -> tuple[bytes, bytes]:
    """Return what comes before and after the media."""
    style, script = _part("page.css"), "\n".join(map(_part, _SCRIPTS))
    before, _, after = (
        Template(_part("page.html"))
        .substitute(
            mark=mark_of(dict(analysis.provenance)),
            style=style,
            style_hash=_hash(style),
            script=script,
            script_hash=_hash(script),
            name=escape(PurePath(analysis.media).name),
            summary=_summary(analysis),
            remarks=_remarks(analysis),
            player=_player(player),
            player_told=_told(player),
            circuit=circuit_svg(analysis.windows[0].regions),
            tables=tables(analysis),
            provenance=_provenance(analysis),
            data=_json(page_data(analysis)),
            media=_MEDIA,
        )
        .partition(_MEDIA)
    )
    return before.encode(), after.encode()


def _part(name: str) -> str:
    return (files("avfbel.runtime") / "report_page" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _json(value: Any) -> str:
    """Return JSON that cannot end the element it stands in."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("&", "\\u0026")


def _base64(path: Path | None) -> Iterator[bytes]:
    if path is not None:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield base64.b64encode(piece)


def _player(player: Playable) -> str:
    kind = "video" if player.is_film else "audio"
    source = f' src="{escape(player.href)}"' if player.how == "link" else f' data-type="{player.mime}"'
    return f'<{kind} id="media" controls preload="auto" playsinline{source}></{kind}>'


def _told(player: Playable) -> str:
    return f'{escape(player.sentence)} <a href="{escape(player.href)}">Open the original file</a>'


def _summary(analysis: Analysis) -> str:
    emotions = analysis.emotions
    strongest = max(emotions, key=emotions.__getitem__)
    told = [
        ("EPP", f"{analysis.epp:.2f}", _side(analysis.epp)),
        ("valence", f"{analysis.valence:.2f}", "share of calm and happiness"),
        ("intensity", f"{analysis.intensity:.2f}", "of 0 to 1"),
        ("strongest emotion", strongest, f"{emotions[strongest]:.2f} of a full rating"),
    ]
    return "".join(
        f"<div><dt>{name}</dt><dd><b>{value}</b> <span>{note}</span></dd></div>" for name, value, note in told
    )


def _side(epp: float) -> str:
    rounded = round(epp, 2)
    return "neutral" if rounded == 0.5 else "positive" if rounded > 0.5 else "negative"


def _remarks(analysis: Analysis) -> str:
    n, within = len(analysis.windows), sum(window.in_range for window in analysis.windows)
    remarks = list(analysis.notes)
    if within < n:
        remarks.append(
            f"{n - within} of {n} windows lie outside what the model was trained on: take their values with "
            "care. They are hatched in the timeline."
        )
    in_range = [window for window in analysis.windows if window.in_range]
    if in_range and all(window.epp_low is None for window in analysis.windows):
        remarks.append("This model has no calibrated interval of EPP, so none is drawn.")
    items = "".join(f"<li>{escape(remark)}</li>" for remark in remarks)
    return f'<ul class="remarks">{items}</ul>' if items else ""


def _provenance(analysis: Analysis) -> str:
    provenance, settings = analysis.provenance, analysis.provenance["settings"]
    tracks = [
        name for name, has in (("sound", analysis.has_audio), ("picture", analysis.has_video)) if has
    ] or ["none"]
    seed = provenance.get("seed")
    told = {
        "file": analysis.media,
        "sha256 of the file": provenance["input_sha256"],
        "length": f"{analysis.duration_s:.3f} s, {'whole' if analysis.complete else 'ends early'}",
        "tracks": " and ".join(tracks),
        "model": f"{analysis.model['name']} {analysis.model['version']}",
        "sha256 of the model": provenance["bundle_sha256"],
        "bundle": provenance.get("bundle", "not told"),
        "seed of the training": "not told" if seed is None else str(seed),
        "settings": ", ".join(f"{name} {_setting(value)}" for name, value in settings.items()),
        "avfbel": provenance["avfbel"],
        "libraries": ", ".join(f"{name} {version}" for name, version in provenance["versions"].items()),
        "processor": _processor(provenance.get("processor", {})),
    }
    return "".join(f"<div><dt>{name}</dt><dd>{escape(text)}</dd></div>" for name, text in told.items())


def _processor(told: Mapping[str, Any]) -> str:
    parts = [told.get("machine"), told.get("system"), " ".join(told.get("vectors", ()))]
    return ", ".join(part for part in parts if part) or "not told"


def _setting(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g} s" if isinstance(value, float) else str(value)
