"""What a model is shown in an experiment: the windows of clips, measured once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.data.manifest import Clip, read_manifest
from avfbel.errors import InputError
from avfbel.parallel import map_tasks
from avfbel.runtime.batch import sentence_of
from avfbel.runtime.fold import digest, shown
from avfbel.runtime.plan import expand
from avfbel.senses.features import SensoryFeatures
from avfbel.senses.measure import measure_excerpts
from avfbel.senses.windows import check_window

if TYPE_CHECKING:
    from avfbel.data.dataset import Dataset

Progress = Callable[[str, int, int], object]
"""Called with what is being done, how many steps of it are done, and how many there are."""

_STAGE = "measuring clips"


@dataclass(frozen=True, kw_only=True)
class ShownClip:
    """One clip as both senses take it in.

    Attributes
    ----------
    media : str
        The file, as it was named.
    stimulus : str
        What it shows; clips of one stimulus are no independent cases. The file itself, if nothing is known.
    sha256 : str
        Digest of the file; empty if it is not known.
    windows : tuple of SensoryFeatures
        Its windows, at least one.
    """

    media: str
    stimulus: str
    sha256: str
    windows: tuple[SensoryFeatures, ...]

    @property
    def weight(self) -> NDArray[np.float64]:
        """What each window counts for in the clip: the larger of its two evidence gates."""
        return np.array([max(window.g_audio, window.g_video) for window in self.windows])


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """Clips to show to a model, and what is wrong with those that could not be measured.

    Attributes
    ----------
    clips : tuple of ShownClip
        The clips.
    window, hop : float
        Length of a window and distance of the starts of windows, in s.
    faults : tuple of str
        A sentence about each input that could not be measured, or not to its end.
    """

    clips: tuple[ShownClip, ...]
    window: float
    hop: float
    faults: tuple[str, ...] = ()


def expose(
    media: Sequence[str | PathLike[str]],
    *,
    window: float = 4.0,
    hop: float = 1.0,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Exposure:
    """Measure media once.

    Parameters
    ----------
    media : sequence of path
        Films and sounds, each a stimulus of its own; folders of them; manifests (``.csv``) and folders of
        corpora, which hold a ``manifest.csv``: their column `stimulus` says what belongs together, and what
        was measured stays beside them.
    window, hop : float
        Length of a window and distance of the starts of windows, in s.
    jobs : int, optional
        Processes; by default one a core.
    progress : callable, optional
        Called as clips are done.

    Returns
    -------
    Exposure
        What could be measured, in the order of the inputs, manifests first.

    Raises
    ------
    InputError
        If nothing could be measured, or a clip of a manifest cannot.
    UsageError
        If a length is not positive or a manifest is faulty.
    """
    check_window(window, hop)
    manifests = [listed for path in media if (listed := _manifest(Path(path)))]
    paths, faults = expand([path for path in media if not _manifest(Path(path))])
    clips: list[ShownClip] = []
    for manifest in manifests:
        clips += _listed_clips(manifest, window=window, hop=hop, jobs=jobs, progress=progress)
    sentences = [sentence for _, sentence in faults]
    tools = _Tools(window, hop, None if jobs == 1 or len(paths) <= 1 else 1)
    measured: list[tuple[int, ShownClip]] = []
    for n, done in enumerate(
        map_tasks(_measure, list(enumerate(paths)), jobs=jobs, setup=_Tools, setup_args=tools), start=1
    ):
        number, path = done.task
        clip, sentence = done.result or (None, f"the process that measured {shown(path)} died: try it alone")
        measured += [(number, clip)] if clip else []
        sentences += [sentence] * bool(sentence)
        if progress is not None:
            progress(_STAGE, n, len(paths))
    clips += [clip for _, clip in sorted(measured, key=lambda of: of[0])]
    if not clips:
        raise InputError("; ".join(sentences) or "there is nothing to look at or listen to: name a film")
    return Exposure(clips=tuple(clips), window=window, hop=hop, faults=tuple(sentences))


def exposure_of(data: Dataset) -> Exposure:
    """Return the clips of a data set, which is measured already."""
    windows = list(_windows(data.start_s, data.end_s, data.maps, data.visual, data.acoustic, data.evidence))
    return Exposure(
        clips=tuple(
            ShownClip(
                media=str(data.clip_media[k]),
                stimulus=str(data.stimulus[k]),
                sha256="",
                windows=tuple(windows[row] for row in np.flatnonzero(data.clip == k)),
            )
            for k in range(data.n_clips)
        ),
        window=data.window,
        hop=data.hop,
    )


def _manifest(path: Path) -> Path | None:
    """Return the manifest that a path names, or that the folder of a corpus holds."""
    if path.suffix.lower() == ".csv":
        return path
    inside = path / "manifest.csv"
    return inside if inside.is_file() else None


def _listed_clips(
    manifest: Path, *, window: float, hop: float, jobs: int | None, progress: Progress | None
) -> list[ShownClip]:
    from avfbel.data.measuring import measure_clips

    rows = {row.clip: row for row in read_manifest(manifest.absolute(), targets=False).rows}
    done = 0

    def count(steps: int) -> None:
        nonlocal done
        done += steps
        if progress is not None:
            progress(_STAGE, done, len(rows))

    clips: list[Clip] = list(rows)
    measured, digests = measure_clips(
        clips, manifest=manifest.absolute(), window=window, hop=hop, jobs=jobs, progress=count
    )
    parts = ("start_s", "end_s", "maps", "visual", "acoustic", "evidence")
    return [
        ShownClip(
            media=row.name,
            stimulus=row.name if row.stimulus == str(row.media) else row.stimulus,
            sha256=sha256,
            windows=tuple(_windows(*(np.asarray(of[part]) for part in parts))),
        )
        for row, of, sha256 in zip(rows.values(), measured, digests, strict=True)
    ]


def _windows(
    start_s: NDArray[np.generic],
    end_s: NDArray[np.generic],
    maps: NDArray[np.generic],
    visual: NDArray[np.generic],
    acoustic: NDArray[np.generic],
    evidence: NDArray[np.generic],
) -> Iterable[SensoryFeatures]:
    """Yield windows from arrays that were kept; maps stay in half precision until a model reads them."""
    for k in range(len(maps)):
        yield SensoryFeatures(
            start_s=float(start_s[k]),
            end_s=float(end_s[k]),
            start_frame=None,
            end_frame=None,
            visual=np.asarray(visual[k], np.float64),
            acoustic=np.asarray(acoustic[k], np.float64),
            maps=maps[k],
            g_audio=float(evidence[k, 0]),
            g_video=float(evidence[k, 1]),
        )


class _Tools(NamedTuple):
    window: float
    hop: float
    threads: int | None


def _measure(tools: _Tools, task: tuple[int, str]) -> tuple[ShownClip | None, str]:
    """Measure one file; return it and a sentence about what is wrong with it, if anything is."""
    _, path = task
    try:
        (done,) = measure_excerpts(path, window=tools.window, hop=tools.hop, threads=tools.threads)
        if not done.windows:
            return None, f"{shown(path)} has no length: export it again"
        clip = ShownClip(media=shown(path), stimulus=shown(path), sha256=digest(path), windows=done.windows)
    except Exception as error:  # whatever it is, it is not to lose the other files
        return None, sentence_of(error, path)
    early = f"{shown(path)} ends early or is damaged: measured as far as it decodes"
    return clip, early * (not done.complete)
