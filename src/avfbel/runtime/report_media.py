"""What the player of a report plays: the file itself, a small proxy of it, or a link to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal
from urllib.parse import quote

from avfbel.runtime.report_proxy import NoProxyError, write_proxy
from avfbel.senses.container import open_container

MOST_BYTES = 20_000_000
"""Media up to this size, in bytes, are embedded."""

# What current versions of Chromium, Firefox and Safari play: the media type of a container, by the format
# that FFmpeg names, and the codecs in it. Anything else gets a proxy.
_PLAYED: dict[str, tuple[str, frozenset[str]]] = {
    "mp4": ("mp4", frozenset(("h264", "aac", "mp3"))),
    "webm": ("webm", frozenset(("vp8", "vp9", "opus", "vorbis"))),
    "ogg": ("ogg", frozenset(("opus", "vorbis"))),
    "mp3": ("mpeg", frozenset(("mp3", "mp3float"))),
    "wav": ("wav", frozenset(("pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_f32le"))),
    "flac": ("flac", frozenset(("flac",))),
}
_PLAYED_PIXELS = ("yuv420p", "yuvj420p")


@dataclass(frozen=True, kw_only=True)
class Playable:
    """What the player of a report plays.

    Attributes
    ----------
    how : {"file", "proxy", "link"}
        Whether the file itself or a proxy is embedded, or nothing but a link.
    sentence : str
        The same for the reader, and why.
    is_film : bool
        Whether there are pictures to show.
    mime : str
        Media type, such as ``video/mp4``; empty for a link.
    content : Path or None
        The file to embed; None for a link.
    href : str
        Address of the original file, relative to the report.
    """

    how: Literal["file", "proxy", "link"]
    sentence: str
    is_film: bool
    mime: str = ""
    content: Path | None = None
    href: str = ""


@contextmanager
def playable(
    media: str | PathLike[str],
    folder: Path,
    *,
    most_bytes: int = MOST_BYTES,
    threads: int | None = None,
) -> Iterator[Playable]:
    """Choose what the player of a report plays; a proxy lasts as long as the block.

    Parameters
    ----------
    media : path
        The film or sound file.
    folder : Path
        Where the report will be, for the link.
    most_bytes : int
        Largest size of what is embedded.
    threads : int, optional
        Threads that decode and encode a proxy; by default as many as there are cores.

    Yields
    ------
    Playable
        The file itself if it is small enough and browsers play its format, else a proxy of at most 320 pixels
        width if that is small enough, else a link.

    Raises
    ------
    InputError
        If the file cannot be read, or nothing in it decodes.
    """
    path = Path(media)
    mime, is_film, obstacle = _browser_type(path)
    size, limit, href = path.stat().st_size, _megabytes(most_bytes), link_to(path, folder)
    if mime and size <= most_bytes:
        told = f"The player holds the file itself ({_megabytes(size)})."
        yield Playable(how="file", sentence=told, is_film=is_film, mime=mime, content=path, href=href)
        return
    why = f"has {_megabytes(size)}, more than {limit}" if mime else obstacle
    with TemporaryDirectory(prefix="avfbel-report-") as place:
        proxy = Path(place) / "proxy.webm"
        try:
            write_proxy(path, proxy, most_bytes=most_bytes, threads=threads)
        except NoProxyError as error:
            told = f"The player plays the original file through a link, because it {why}, and {error}."
            yield Playable(how="link", sentence=told, is_film=is_film, href=href)
            return
        kind = "smaller copy" if is_film else "re-encoded copy"
        told = f"The player holds a {kind} ({_megabytes(proxy.stat().st_size)}): the file {why}."
        mime = "video/webm" if is_film else "audio/webm"
        yield Playable(how="proxy", sentence=told, is_film=is_film, mime=mime, content=proxy, href=href)


def link_to(path: Path, folder: Path) -> str:
    """Return the address of a file as a report in `folder` names it: relative, if there is such a way.

    Examples
    --------
    >>> link_to(Path("/data/films/a film #1.mp4"), Path("/data/results"))
    './../films/a%20film%20%231.mp4'
    """
    try:
        way = os.path.relpath(path.resolve(), folder.resolve())
    except ValueError:  # on another drive
        return path.resolve().as_uri()
    return "./" + quote(os.fsencode(way.replace(os.sep, "/")))


def _browser_type(path: Path) -> tuple[str, bool, str]:
    """Return the media type of a file that browsers play ("" for others), if it is a film, what hinders."""
    with open_container(path) as container:
        films = [s for s in container.streams.video if not _is_cover(s)]
        sounds = list(container.streams.audio)
        name = _container_name(container, path)
        ending, codecs = _PLAYED.get(name, ("", frozenset()))
        unknown = [s.codec_context.name if s.codec_context else "unknown" for s in (*films, *sounds)]
        unknown = [codec for codec in unknown if _plain(codec) not in codecs]
        is_film = bool(films)
        if not ending or unknown:
            inside = f"{name} with {' and '.join(unknown)}" if ending else name
            return "", is_film, f"is of a format ({inside}) that not every browser plays"
        if len(films) > 1 or len(sounds) > 1:
            return "", is_film, "has several tracks of one kind, of which browsers may choose another one"
        if films and films[0].codec_context.pix_fmt not in _PLAYED_PIXELS:
            return "", is_film, f"has pixels ({films[0].codec_context.pix_fmt}) that not every browser shows"
    return f"{'video' if is_film else 'audio'}/{ending}", is_film, ""


def _container_name(container: Any, path: Path) -> str:
    """Name the format of a container, telling apart those to which FFmpeg gives one name."""
    names = container.format.name.split(",")
    if "mp4" in names:
        return "mov" if container.metadata.get("major_brand", "").strip() == "qt" else "mp4"
    if "webm" in names:
        with path.open("rb") as file:
            return "webm" if b"webm" in file.read(64) else "matroska"
    return str(names[0])


def _plain(codec: str) -> str:
    """Return the name of a codec without that of the library that decodes it."""
    return codec.removeprefix("lib").removesuffix("float").replace("vpx-", "").replace("dav1d", "av1")


def _is_cover(stream: Any) -> bool:
    import av

    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _megabytes(size: int) -> str:
    """Write a size in MB.

    Examples
    --------
    >>> _megabytes(20_000_000), _megabytes(1_234_567), _megabytes(300)
    ('20 MB', '1.2 MB', 'less than 0.1 MB')
    """
    if size < 100_000:
        return "less than 0.1 MB"
    return f"{size / 1e6:.1f} MB".replace(".0 MB", " MB")
