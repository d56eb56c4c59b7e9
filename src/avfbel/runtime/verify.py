"""Compute a result anew from what it says it was computed from, and compare, number by number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from avfbel._version import __version__
from avfbel.errors import InputError, UsageError
from avfbel.runtime.bundle import Bundle
from avfbel.runtime.engine import Predictor
from avfbel.runtime.files import Cell
from avfbel.runtime.fold import analyze, digest, processor, shown, versions
from avfbel.runtime.recorded import Recorded, read_results, values_of

TOLERANCE = 1e-6
"""How far numbers may lie apart where bits may differ, as a share of those above 1 and as such below."""

ABSENT = "absent"
_SETTINGS: Mapping[str, Any] = {
    "window": (int, float),
    "hop": (int, float),
    "modality": str,
    "attribution": bool,
}


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A value that is not what it was.

    Attributes
    ----------
    place : str
        Where it is, such as ``windows[0].epp``.
    recorded, recomputed : Cell
        What the file holds, and what comes out now; ``"absent"`` if there is no such value.
    """

    place: str
    recorded: Cell
    recomputed: Cell

    @property
    def size(self) -> float | None:
        """How far the numbers lie apart, in the unit of the value; None if one of them is not a number."""
        a, b = self.recorded, self.recomputed
        if isinstance(a, str | bool | None) or isinstance(b, str | bool | None):
            return None
        return abs(a - b)

    def within(self, tolerance: float) -> bool:
        """Tell whether both are numbers that lie no further apart than the tolerance allows."""
        if self.size is None or isinstance(self.recorded, str | None):
            return False
        return self.size <= tolerance * max(1.0, abs(self.recorded))


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What became of recomputing one analysis.

    Attributes
    ----------
    recorded : Recorded
        What the file holds.
    media : Path
        The file that was analysed again.
    model : str
        Name and version of the model.
    n_values : int
        Number of values compared.
    exact : bool
        Whether equality to the last bit was asked for.
    differences : tuple of Difference
        All values that differ at all.
    notes : tuple of str
        Why bits may differ, and what else a reader should know.
    """

    recorded: Recorded
    media: Path
    model: str
    n_values: int
    exact: bool
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]

    @property
    def faults(self) -> tuple[Difference, ...]:
        """The differences that are larger than they may be, the largest first."""
        found = [d for d in self.differences if self.exact or not d.within(TOLERANCE)]
        return tuple(sorted(found, key=lambda d: -(float("inf") if d.size is None else d.size)))

    @property
    def ok(self) -> bool:
        """Whether the result was confirmed."""
        return not self.faults

    @property
    def largest(self) -> float:
        """The largest difference of two numbers; 0 if all are equal."""
        return max((d.size for d in self.differences if d.size is not None), default=0.0)


def verify(
    file: str | PathLike[str],
    *,
    media: Sequence[str | PathLike[str]] = (),
    model: str | PathLike[str] | Bundle | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Iterator[Verification]:
    """Recompute the analyses of a result file from their provenance, and compare.

    With equal versions of avfbel and of the libraries that the numbers pass through, on the same kind of
    processor, every value has to be equal to the last bit; otherwise within `TOLERANCE`.

    Parameters
    ----------
    file : path
        A result of `avfbel analyze`: JSON, Parquet, or CSV with its `status.csv` beside it.
    media : sequence of path, optional
        Where to find the films and sounds; by default where they were, or beside the result.
    model : str, path or Bundle, optional
        The trained model; by default the shipped one, or where it was.
    progress : callable, optional
        Called with a title, the seconds that are done, and all (0: unknown).

    Yields
    ------
    Verification
        One for each analysis in the file.

    Raises
    ------
    InputError
        If the file is no result, or the media or the model is not found as it was.

    Examples
    --------
    >>> from avfbel.runtime.verify import verify
    >>> [check.ok for check in verify("results/film.mp4.json")]  # doctest: +SKIP
    [True]
    """
    predictors: dict[str, Predictor] = {}
    for recorded in read_results(file):
        wanted = recorded.provenance["bundle_sha256"]
        if wanted not in predictors:
            predictors[wanted] = Predictor(_find_bundle(recorded, model))
        yield _verify(recorded, _find_media(recorded, media), predictors[wanted], progress)


def _verify(
    recorded: Recorded,
    media: Path,
    predictor: Predictor,
    progress: Callable[[str, int, int], None] | None,
) -> Verification:
    def tell(time_s: float) -> None:
        if progress is not None:
            progress(f"seconds of {shown(media.name)} analysed", int(time_s), int(recorded.duration_s))

    try:
        analysis = analyze(media, model=predictor, progress=tell, **_settings(recorded))
    except UsageError as error:  # the settings are those of the file: it is the file that is at fault
        raise InputError(f"{recorded.file} was altered, its settings cannot be: {error}") from error
    values = values_of(analysis, tabular=recorded.tabular)
    reasons = _why_bits_may_differ(recorded.provenance)
    return Verification(
        recorded=recorded,
        media=media,
        model=f"{predictor.bundle.name} {predictor.bundle.version}",
        n_values=len(recorded.values.keys() | values.keys()),
        exact=not reasons,
        differences=tuple(_compare(recorded.values, values)),
        notes=reasons,
    )


def _compare(recorded: Mapping[str, Cell], recomputed: Mapping[str, Cell]) -> Iterator[Difference]:
    for place in {**recorded, **recomputed}:
        a, b = recorded.get(place, ABSENT), recomputed.get(place, ABSENT)
        if a != b or isinstance(a, bool) != isinstance(b, bool):
            yield Difference(place=place, recorded=a, recomputed=b)


def _settings(recorded: Recorded) -> dict[str, Any]:
    settings = recorded.provenance["settings"]
    for name, value in settings.items():
        if name not in _SETTINGS:
            raise InputError(
                f"{recorded.file} was made with a setting that avfbel {__version__} does not know, {name}: "
                f"verify it with version {recorded.provenance['avfbel']}"
            )
        if not isinstance(value, _SETTINGS[name]):
            raise InputError(f"{recorded.file} was altered, its {name} cannot be {value!r}: analyse again")
    return dict(settings)


def _why_bits_may_differ(provenance: Mapping[str, Any]) -> tuple[str, ...]:
    reasons = []
    if provenance["avfbel"] != __version__:
        reasons.append(f"it was computed by avfbel {provenance['avfbel']}, and now by {__version__}")
    told = provenance.get("processor")
    if told is None:
        reasons.append("it does not say on which kind of processor it was computed")
    elif told != processor():
        reasons.append("it was computed on another kind of processor")
    before = provenance.get("versions", {})
    others = [f"{name} {was}" for name, was in before.items() if versions().get(name) != was]
    if others:
        reasons.append(f"it was computed with {', '.join(others)}, of which there are other versions here")
    return tuple(reasons)


def _find_media(recorded: Recorded, given: Sequence[str | PathLike[str]]) -> Path:
    beside = recorded.file.parent
    places = (
        [Path(path) for path in given]
        if given
        else [Path(recorded.media), beside / recorded.media, beside / Path(recorded.media).name]
    )
    there = [path for path in dict.fromkeys(places) if path.is_file()]
    for path in there:
        if digest(path) == recorded.provenance["input_sha256"]:
            return path
    if there:
        raise InputError(
            f"{shown(there[0])} is not the file that {recorded.file} was computed from (its content has "
            "changed): name the one it was with --media"
        )
    missing = shown(given[0]) if given else recorded.media
    raise InputError(
        f"{missing} is not there, from which {recorded.file} was computed: name it, where it is now, with "
        "--media"
    )


def _find_bundle(recorded: Recorded, given: str | PathLike[str] | Bundle | None) -> Bundle:
    provenance = recorded.provenance
    source = str(provenance.get("bundle", "default"))
    places: list[str | PathLike[str] | Bundle] = ["default", source, recorded.file.parent / source]
    if given is not None:
        places = [given]
    for place in places:
        try:
            bundle = Bundle.open(place)
        except InputError:
            if given is not None:
                raise
            continue
        if bundle.sha256 == provenance["bundle_sha256"]:
            return bundle
    if given is not None:
        name = given.source if isinstance(given, Bundle) else given
        raise InputError(f"{recorded.file} was computed with another model than {name}: name that one")
    raise InputError(
        f"{recorded.file} was computed with a model that is no longer at {source} as it was (the sha256 of "
        f"its card was {provenance['bundle_sha256'][:12]}…): name it with --model"
    )
