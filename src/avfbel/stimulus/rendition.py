"""How scores become files: which senses they are for, and the sound, size and silence of a clip."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from avfbel.errors import InputError, UsageError
from avfbel.stimulus.camera import HEIGHT, WIDTH, check_size
from avfbel.stimulus.loudness import check_loudness
from avfbel.stimulus.score import Score, check_silence, with_length, with_silence
from avfbel.stimulus.sound import Sound, check_sound

Only = Literal["sound", "film"]

_SUFFIXES: dict[str | None, tuple[str, ...]] = {
    None: (".mid", ".wav", ".mp4", ".json"),
    "sound": (".mid", ".wav", ".json"),
    "film": (".mp4", ".json"),
}


@dataclass(frozen=True, kw_only=True)
class Rendition:
    """How the files of a clip are made from its score.

    Parameters
    ----------
    only : {"sound", "film"}, optional
        Leave the other sense out; both by default.
    sound : {"piano", "sine"}
        What the notes sound like.
    soundfont : Path, optional
        A sound font (.sf2) that plays the notes instead.
    loudness : float, optional
        Integrated loudness to bring the sound to, in LUFS (ITU-R BS.1770); as it comes by default.
    size : tuple of int
        Width and height of the film in pixels.
    before_s, after_s : float
        Silence and stillness around the clip, in s; rounded to whole film frames.

    Raises
    ------
    UsageError
        If a value is out of range, or options contradict each other.
    InputError
        If there is no such sound font.

    Examples
    --------
    >>> Rendition(only="sound", before_s=0.5).suffixes
    ('.mid', '.wav', '.json')
    >>> Rendition(only="film", loudness=-23)
    Traceback (most recent call last):
    ...
    avfbel.errors.UsageError: a clip of film only has no loudness: leave one of the two out
    """

    only: Only | None = None
    sound: Sound = "piano"
    soundfont: Path | None = None
    loudness: float | None = None
    size: tuple[int, int] = (WIDTH, HEIGHT)
    before_s: float = 0.0
    after_s: float = 0.0

    def __post_init__(self) -> None:
        if self.only is not None and self.only not in get_args(Only):
            raise UsageError(f"a clip can be of sound only or film only, got {self.only!r}")
        check_sound(self.sound)
        check_size(self.size)
        check_silence(self.before_s, self.after_s)
        if self.loudness is not None:
            check_loudness(self.loudness)
        if self.soundfont is not None:
            object.__setattr__(self, "soundfont", Path(self.soundfont))
            if self.sound != "piano":
                raise UsageError(f"a sound font plays instead of the {self.sound}: leave one of the two out")
            if not self.soundfont.is_file():
                raise InputError(f"there is no sound font {self.soundfont}: give the path of a .sf2 file")
        for wanted, name in ((self.loudness, "loudness"), (self.soundfont, "sound font")):
            if self.only == "film" and wanted is not None:
                raise UsageError(f"a clip of film only has no {name}: leave one of the two out")
        if self.only == "film" and self.sound != "piano":
            raise UsageError(f"a clip of film only has no {self.sound}: leave one of the two out")
        if self.only == "sound" and self.size != (WIDTH, HEIGHT):
            raise UsageError("a clip of sound only has no size: leave one of the two out")

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Suffixes of the files of a clip; the last one, of the ground truth, is written last."""
        return _SUFFIXES[self.only]

    def prepared(self, music: Score, film: Score) -> tuple[Score, Score]:
        """Return both scores with the silence around them, and equally long.

        Examples
        --------
        >>> from avfbel.stimulus import compose, named
        >>> happy, sad = compose(named("happy"), seed=1), compose(named("sad"), seed=1, seconds=6)
        >>> music, film = Rendition(before_s=1).prepared(happy, sad)
        >>> music.length_s == film.length_s == sad.length_s + 1
        True
        """
        length = max(music.length_s, film.length_s)
        music, film = (
            with_silence(with_length(score, length), self.before_s, self.after_s) for score in (music, film)
        )
        return music, film

    def told(self) -> dict[str, Any]:
        """Return what was asked for as plain values; a sound font is told by its name and contents."""
        values: dict[str, Any] = {"only": self.only}
        if self.only != "film":
            values |= {"sound": self.sound, "loudness": self.loudness}
            if self.soundfont is not None:
                values["sound"] = "soundfont"
                values["soundfont"] = {"name": self.soundfont.name, "sha256": _digest(self.soundfont)}
        if self.only != "sound":
            values["size"] = list(self.size)
        return values | {"before_s": self.before_s, "after_s": self.after_s}


def parse_size(text: str) -> tuple[int, int]:
    """Read a size such as "500x600".

    Raises
    ------
    UsageError
        If it is not two whole numbers, or cannot be the size of a film.

    Examples
    --------
    >>> parse_size("250x300")
    (250, 300)
    """
    width, cross, height = text.lower().partition("x")
    if not (cross and width.strip().isdecimal() and height.strip().isdecimal()):
        raise UsageError(f"the size must be WIDTHxHEIGHT in pixels, such as 500x600, got {text!r}")
    size = int(width), int(height)
    check_size(size)
    return size


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
