"""Data sets that can be fetched: where they lie, whose they are, and what their tables are called.

This table is the only place that knows of addresses and of foreign column names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from avfbel.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file of a release.

    Attributes
    ----------
    name : str
        Its name below the base address.
    sha256 : str or None
        Checksum of the content, in hexadecimal; None where no checksum is pinned: it is then computed, said
        and written down, but cannot be compared.
    """

    name: str
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    """A data set that can be fetched.

    Attributes
    ----------
    name : str
        What `avfbel data fetch` calls it.
    title, citation, licence, home : str
        What it is, whom to cite, under which terms it is released, and its web page.
    base_url : str
        Address that the names of `files` are appended to.
    music, animation : RemoteFile
        Spreadsheets of the ratings and features of what was heard, and of what was seen.
    columns : mapping of str to tuple of str
        Names that a column may have there, by the name it has here; capitals do not matter.
    caveats : tuple of str
        What to know before using it.
    """

    name: str
    title: str
    citation: str
    licence: str
    home: str
    base_url: str
    music: RemoteFile
    animation: RemoteFile
    columns: Mapping[str, tuple[str, ...]]
    caveats: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[RemoteFile, RemoteFile]:
        """Both spreadsheets."""
        return (self.music, self.animation)


_SIEVERS2021 = Source(
    name="sievers2021",
    title="38 emotional piano melodies and bouncing-ball films, each rated on five emotions by 20 people",
    citation=(
        "Sievers, B., Parkinson, C., Kohler, P. J., Hughes, J. M., Fogelson, S. V., & Wheatley, T. (2021). "
        "Visual and auditory brain areas share a representational structure that supports emotion "
        "perception. Current Biology, 31(23), 5192-5203."
    ),
    licence="CC BY-NC 4.0, as released with OpenHUTB/emotion",
    home="https://github.com/OpenHUTB/emotion",
    base_url="https://raw.githubusercontent.com/OpenHUTB/emotion/main/src",
    music=RemoteFile(name="music-test111.xlsx"),
    animation=RemoteFile(name="animation-test111.xlsx"),
    columns={
        "participant": ("participant", "participant_id", "subject", "subject_id"),
        "stimulus": ("stimulus", "stimulus_name", "stim"),
        "scared": ("scared",),
        "sad": ("sad",),
        "angry": ("angry",),
        "peaceful": ("peaceful",),
        "happy": ("happy",),
    },
    caveats=(
        "The address and the names of the columns of participant and stimulus were not checked against the "
        "release; --url and --column replace them.",
        "No checksum is pinned; what was fetched is compared with the norms and parameters of this package.",
        "The released visual features contain the answer; that is undone on the way in.",
        "The released weights are pickles, which run code when they are opened: they are never fetched.",
    ),
)

SOURCES: Mapping[str, Source] = {_SIEVERS2021.name: _SIEVERS2021}
"""All data sets that can be fetched, by name."""


def find_source(name: str) -> Source:
    """Return the data set of that name.

    Raises
    ------
    UsageError
        If there is none.

    Examples
    --------
    >>> find_source("sievers2021").music.name
    'music-test111.xlsx'
    """
    if name not in SOURCES:
        raise UsageError(f"no data set {name!r}: choose one of {', '.join(SOURCES)}")
    return SOURCES[name]
