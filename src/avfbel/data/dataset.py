"""Data sets: clips measured once, and what people felt at them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avfbel.data.manifest import Clip, Manifest, ManifestError, Row, read_manifest
from avfbel.data.norms import SOURCE, load_norms, load_reliability
from avfbel.data.targets import KINDS, NORM_OF_KIND, Targets
from avfbel.emotion import EMOTIONS, rating_epp, rating_valence
from avfbel.errors import UsageError

if TYPE_CHECKING:
    from avfbel.brain.samples import Samples

SIEVERS2021 = "sievers2021"
"""Name of the data set that the package makes for itself: its own clips with the shipped norms."""

Progress = Callable[[str, int, int], object]
"""Called with what is being done, how many steps of it are done, and how many there are."""


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class Dataset:
    """Clips, measured window by window, with targets for each way to perceive them.

    Attributes
    ----------
    name : str
        "sievers2021", or the name of the manifest.
    manifest : Path
        The manifest of the clips.
    clip_media, stimulus : ndarray of str, shape (n_clips,)
        Media file (as the manifest writes it) and stimulus of each clip. Clips of one stimulus belong on one
        side of any division.
    groups : mapping of str to ndarray of str, shape (n_clips,)
        Further columns of the manifest. A column whose entries differ between the ratings of a clip, such as
        the participant, is none of the clip and is left out.
    has_audio, has_video, complete : ndarray of bool, shape (n_clips,)
        Which tracks a clip has, and whether it could be decoded to its end.
    clip : ndarray of int, shape (n,)
        Clip of each window.
    start_s, end_s : ndarray, shape (n,)
        Its bounds, in s from the start of the clip.
    maps : ndarray of float16, shape (n, 5, 64, 64)
        Feature maps, in the units of `VISUAL_FEATURES`; zero where nothing moved.
    visual, acoustic : ndarray, shapes (n, 5) and (n, 7)
        Features in their units; NaN where one could not be measured.
    evidence : ndarray, shape (n, 2)
        Evidence of sound and of picture, 0 to 1.
    targets : mapping of str to Targets
        For each of `KINDS` (audio, video, fused) the targets of all clips; NaN for clips that lack the track.
    window, hop : float
        Settings of the measurement, in s.
    intensity_unit : float
        What the manifest's intensities were divided by.
    reliability : mapping
        Reliability of the targets by kind and target, where it is known.
    source : mapping of str
        Citation and licence of the ratings, where they are known.
    """

    name: str
    manifest: Path
    clip_media: NDArray[np.str_]
    stimulus: NDArray[np.str_]
    groups: Mapping[str, NDArray[np.str_]]
    has_audio: NDArray[np.bool_]
    has_video: NDArray[np.bool_]
    complete: NDArray[np.bool_]
    clip: NDArray[np.intp]
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    maps: NDArray[np.float16]
    visual: NDArray[np.float64]
    acoustic: NDArray[np.float64]
    evidence: NDArray[np.float64]
    targets: Mapping[str, Targets]
    window: float
    hop: float
    intensity_unit: float = 1.0
    reliability: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    source: Mapping[str, str] = field(default_factory=dict)

    @property
    def n_clips(self) -> int:
        """Number of clips."""
        return len(self.clip_media)

    @property
    def n_windows(self) -> int:
        """Number of windows of all clips."""
        return len(self.clip)

    def available(self, kind: str) -> NDArray[np.bool_]:
        """Tell which clips can be perceived so, shape (n_clips,): fused needs both tracks.

        Raises
        ------
        UsageError
            If the kind is not audio, video or fused.
        """
        if kind not in KINDS:
            raise UsageError(f"no kind of perception {kind!r}: choose one of {', '.join(KINDS)}")
        return {"audio": self.has_audio, "video": self.has_video, "fused": self.has_audio & self.has_video}[
            kind
        ]

    def take(self, clips: ArrayLike) -> Dataset:
        """Return the data set of some clips, by their numbers in the order given."""
        chosen = np.asarray(clips, dtype=np.intp)
        windows = [np.flatnonzero(self.clip == number) for number in chosen]
        rows = np.concatenate([np.empty(0, np.intp), *windows])
        return replace(
            self,
            clip_media=self.clip_media[chosen],
            stimulus=self.stimulus[chosen],
            groups={name: column[chosen] for name, column in self.groups.items()},
            has_audio=self.has_audio[chosen],
            has_video=self.has_video[chosen],
            complete=self.complete[chosen],
            clip=np.repeat(np.arange(len(chosen)), [len(of) for of in windows]),
            start_s=self.start_s[rows],
            end_s=self.end_s[rows],
            maps=self.maps[rows],
            visual=self.visual[rows],
            acoustic=self.acoustic[rows],
            evidence=self.evidence[rows],
            targets={kind: targets.take(chosen) for kind, targets in self.targets.items()},
        )

    def samples(self, kinds: Iterable[str] = KINDS) -> Samples:
        """Return what there is to learn: a sample for each rated window and each way to perceive it.

        Parameters
        ----------
        kinds : iterable of str
            Ways to perceive a clip, out of `KINDS`; a clip gives samples of those that its tracks allow.

        Returns
        -------
        Samples
            With rewards; the windows of a clip share its weight of 1.

        Raises
        ------
        UsageError
            If a kind is unknown.
        """
        from avfbel.brain.samples import Samples

        rows, masks, rewards = [], [], []
        for kind in kinds:
            reward = (
                self.targets[kind].rewards
                if self.available(kind).any()
                else np.full((self.n_clips, 5), np.nan)
            )
            row = np.flatnonzero((self.available(kind) & np.isfinite(reward).all(axis=1))[self.clip])
            rows.append(row)
            masks.append(np.tile([kind != "video", kind != "audio"], (len(row), 1)))
            rewards.append(reward[self.clip[row]])
        row = np.concatenate([np.empty(0, np.int64), *rows])
        return Samples(
            maps=self.maps,
            acoustic=self.acoustic,
            evidence=self.evidence,
            row=row.astype(np.int64),
            mask=np.concatenate([np.empty((0, 2), np.bool_), *masks]).astype(np.bool_),
            rewards=np.concatenate([np.empty((0, len(EMOTIONS))), *rewards]),
            weight=1 / np.bincount(self.clip, minlength=self.n_clips)[self.clip[row]],
            visual=self.visual,
            sequence=self.clip.astype(np.int64),
        )


def load_dataset(
    data: str | Path,
    *,
    corpus: str | Path | None = None,
    exemplars: int = 20,
    window: float = 4.0,
    hop: float = 1.0,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Measure clips, or take what was measured before, and join it with what people felt.

    Measurements are kept in `.avfbel-cache` beside the manifest, under the hash of the file.

    Parameters
    ----------
    data : str or path
        "sievers2021": clips of the 38 stimuli, made by this package, with the norms of Sievers et al. (2021).
        Or the CSV manifest of one's own clips; see `read_manifest`. There each rating holds for the clip as
        it is, and is also what a model that only hears or only sees it is to predict. Intensities above 1
        mean another unit: all are divided by the greatest of them.
    corpus : path, optional
        For sievers2021: a corpus made before (folder or manifest), instead of the one in the user's cache.
    exemplars : int
        For sievers2021: clips of each stimulus, at most those that a given corpus has.
    window, hop : float
        Length of a window and distance of the starts of windows, in s.
    jobs : int, optional
        Processes to run; one a core by default.
    progress : callable, optional
        Called with what is being done ("making clips", "measuring clips"), the number of clips for which it
        is done, and the number of all clips, each time the former grows.

    Returns
    -------
    Dataset
        Clips in the order of the manifest.

    Raises
    ------
    ManifestError
        With all faults of the manifest, before any work.
    UsageError
        If there is no such manifest or corpus, or a corpus has other stimuli than the 38.
    InputError
        If clips cannot be measured, naming all of them.

    Warns
    -----
    UserWarning
        If a clip ends early and was measured as far as it decodes.

    Examples
    --------
    >>> data = load_dataset("clips.csv")  # doctest: +SKIP
    >>> data.maps.shape, data.targets["fused"].epp  # doctest: +SKIP
    ((12, 5, 64, 64), array([0.1 , 0.52, 0.94]))
    """
    effort = _Effort(window=float(window), hop=float(hop), jobs=jobs, progress=progress)
    if str(data) == SIEVERS2021:
        return _load_sievers2021(corpus, exemplars, effort)
    if corpus is not None:
        raise UsageError("a corpus belongs to sievers2021: leave it out for clips of your own")
    return _load_manifest(read_manifest(data), effort)


@dataclass(frozen=True, kw_only=True)
class _Effort:
    """How to measure: window and hop in s, number of processes, whom to tell of progress."""

    window: float
    hop: float
    jobs: int | None
    progress: Progress | None

    def count(self, stage: str, total: int) -> Callable[[int], None] | None:
        """Return a function that takes the number of clips just done, and tells how many are done by now."""
        progress, done = self.progress, 0
        if progress is None:
            return None

        def advance(steps: int) -> None:
            nonlocal done
            done += steps
            progress(stage, done, total)

        return advance


def load_unrated(
    data: str | Path,
    *,
    window: float = 4.0,
    hop: float = 1.0,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Measure clips that nobody rated, or take what was measured before.

    Parameters
    ----------
    data : str or path
        A manifest, or a corpus folder that holds ``manifest.csv``. Ratings are not read; a clip that several
        rows rate is there once.
    window, hop, jobs, progress
        As in `load_dataset`.

    Returns
    -------
    Dataset
        Clips in the order of the manifest; all targets are NaN. A corpus has the name of its folder.

    Raises
    ------
    ManifestError
        With all faults of the manifest, before any work.
    UsageError
        If there is no such manifest or corpus.
    InputError
        If clips cannot be measured, naming all of them.

    Warns
    -----
    UserWarning
        If a clip ends early and was measured as far as it decodes.
    """
    effort = _Effort(window=float(window), hop=float(hop), jobs=jobs, progress=progress)
    return _load_unrated(data, effort)


def _load_unrated(data: str | Path, effort: _Effort) -> Dataset:
    from avfbel.data.corpora import corpus_manifest

    path = corpus_manifest(data)
    manifest = read_manifest(path, targets=False)
    clips = _rows_by_clip(manifest)
    unrated = Targets.from_emotions(np.full((len(clips), len(EMOTIONS)), np.nan))
    dataset = _measure(manifest, clips, dict.fromkeys(KINDS, unrated), effort)
    return replace(dataset, name=path.parent.name) if Path(data).expanduser().is_dir() else dataset


def _load_sievers2021(corpus: str | Path | None, exemplars: int, effort: _Effort) -> Dataset:
    from avfbel.data.corpora import clips_2021, corpus_manifest

    if exemplars < 1:
        raise UsageError(f"exemplars must be at least 1, got {exemplars}")
    norms = load_norms()
    if corpus is None:
        making = effort.count("making clips", exemplars * len(norms.stimuli))
        path = clips_2021(exemplars=exemplars, jobs=effort.jobs, progress=making)
    else:
        path = corpus_manifest(corpus)
    manifest = read_manifest(path, targets=False)
    seen: dict[str, int] = {}
    rows = []
    for row in manifest.rows:
        if row.stimulus not in norms.stimuli:
            raise UsageError(
                f"{path}: line {row.line}: {row.stimulus} is none of the 38 stimuli of sievers2021"
            )
        seen[row.stimulus] = seen.get(row.stimulus, 0) + 1
        if seen[row.stimulus] <= exemplars:
            rows.append(row)
    place = [norms.stimuli.index(row.stimulus) for row in rows]
    targets = {kind: Targets.from_emotions(norms.emotions(NORM_OF_KIND[kind])[place]) for kind in KINDS}
    dataset = _measure(manifest, [[row] for row in rows], targets, effort)
    reliability = load_reliability()
    return replace(
        dataset,
        name=SIEVERS2021,
        reliability={kind: reliability[NORM_OF_KIND[kind]] for kind in KINDS},
        source=SOURCE,
    )


def _load_manifest(manifest: Manifest, effort: _Effort) -> Dataset:
    rated = _rows_by_clip(manifest)
    _check_stimuli(manifest, rated)
    unit = max(1.0, float(np.nanmax([[*row.emotions, 0.0] for row in manifest.rows])))
    dataset = _measure(manifest, rated, dict.fromkeys(KINDS, _mean_targets(rated, unit)), effort)
    return replace(dataset, intensity_unit=unit)


def _rows_by_clip(manifest: Manifest) -> list[list[Row]]:
    """Return the ratings of each clip, in the order in which clips first appear."""
    of_clip: dict[Clip, list[Row]] = {}
    for row in manifest.rows:
        of_clip.setdefault(row.clip, []).append(row)
    return list(of_clip.values())


def _check_stimuli(manifest: Manifest, rated: Sequence[Sequence[Row]]) -> None:
    faults = [
        (row.line, f"the clip of line {rows[0].line} has another stimulus here: {row.stimulus}")
        for rows in rated
        for row in rows
        if row.stimulus != rows[0].stimulus
    ]
    if faults:
        raise ManifestError(manifest.path, faults)


def _mean_targets(rated: Sequence[Sequence[Row]], unit: float) -> Targets:
    """Average the ratings of each clip; positivity is as rated, or else a ratio of mean intensities."""
    emotions = np.array([_mean([row.emotions / unit for row in rows]) for rows in rated])
    epp = np.array([_mean([row.epp for row in rows]) for rows in rated], dtype=np.float64)
    valence = np.array([_mean([row.valence for row in rows]) for rows in rated], dtype=np.float64)
    return Targets(
        emotions=emotions,
        epp=np.where(np.isnan(epp), rating_epp(emotions), epp),
        valence=np.where(np.isnan(valence), rating_valence(emotions), valence),
    )


def _mean(values: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """Return the mean of the values that are given, NaN if none is."""
    table = np.asarray(values, dtype=np.float64)
    given = [value for value in table if not np.isnan(value).any()]
    return np.asarray(np.mean(given, axis=0) if given else table[0])


def _measure(
    manifest: Manifest, rated: Sequence[Sequence[Row]], targets: Mapping[str, Targets], effort: _Effort
) -> Dataset:
    """Measure each clip, given by the rows that rate it, and put the data set together."""
    from avfbel.data.measuring import measure_clips

    first = [rows[0] for rows in rated]
    measured, digests = measure_clips(
        [row.clip for row in first],
        manifest=manifest.path,
        window=effort.window,
        hop=effort.hop,
        jobs=effort.jobs,
        progress=effort.count("measuring clips", len(first)),
    )
    has_audio, has_video, complete = (
        np.array([bool(of[name]) for of in measured]) for name in ("has_audio", "has_video", "complete")
    )
    if not complete.all():
        names = ", ".join(row.name for row, whole in zip(first, complete, strict=True) if not whole)
        warnings.warn(f"measured only as far as they decode: {names}", UserWarning, stacklevel=4)
    available = {"audio": has_audio, "video": has_video, "fused": has_audio & has_video}
    start_s, end_s, maps, visual, acoustic, evidence = (
        np.concatenate([of[name] for of in measured])
        for name in ("start_s", "end_s", "maps", "visual", "acoustic", "evidence")
    )
    return Dataset(
        name=manifest.path.stem,
        manifest=manifest.path,
        clip_media=np.array([row.name for row in first], dtype=np.str_),
        stimulus=_stimuli(manifest, first, digests),
        groups=_groups(manifest, rated),
        has_audio=has_audio,
        has_video=has_video,
        complete=complete,
        clip=np.repeat(np.arange(len(first)), [len(of["start_s"]) for of in measured]),
        start_s=start_s,
        end_s=end_s,
        maps=maps,
        visual=visual,
        acoustic=acoustic,
        evidence=evidence,
        targets={kind: _only(targets[kind], available[kind]) for kind in KINDS},
        window=effort.window,
        hop=effort.hop,
    )


def _only(targets: Targets, there: NDArray[np.bool_]) -> Targets:
    return Targets(
        emotions=np.where(there[:, None], targets.emotions, np.nan),
        epp=np.where(there, targets.epp, np.nan),
        valence=np.where(there, targets.valence, np.nan),
    )


def _stimuli(manifest: Manifest, rows: Sequence[Row], digests: Sequence[str]) -> NDArray[np.str_]:
    """Return the stimulus of each clip; where the manifest names none, copies of a file are one stimulus.

    Copies that it names differently would be learned from and predicted at once: they are refused.
    """
    unnamed: dict[str, str] = {}
    of_copy: dict[tuple[str, float | None, float | None], tuple[int, str]] = {}
    names, faults = [], []
    for row, digest in zip(rows, digests, strict=True):
        named = row.stimulus != str(row.media)
        name = row.stimulus if named else unnamed.setdefault(digest, row.name)
        line, other = of_copy.setdefault((digest, row.start_s, row.end_s), (row.line, name))
        if other != name:
            faults.append((row.line, f"a copy of the clip of line {line}, but its stimulus is {name}"))
        names.append(name)
    if faults:
        raise ManifestError(manifest.path, faults)
    return np.array(names, dtype=np.str_)


def _groups(manifest: Manifest, rated: Sequence[Sequence[Row]]) -> dict[str, NDArray[np.str_]]:
    """Return the columns that say the same in all ratings of a clip."""
    return {
        column: np.array([rows[0].groups[column] for rows in rated], dtype=np.str_)
        for column in manifest.group_columns
        if all(len({row.groups[column] for row in rows}) == 1 for rows in rated)
    }
