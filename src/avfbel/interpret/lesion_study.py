"""What lesions do to what is felt: the change over clips, with intervals over stimuli.

**Change** is lesioned minus intact, clip by clip, on the same windows. A clip's EPP, valence and emotions are
means over its windows, weighted by the evidence that the windows have in the intact model, as `analyze` has
them; the emotions are those felt, max(0, E), in units of rating / 127. The table gives the mean change over
clips, and its mean size without the sign. **Intervals** are percentiles over draws of whole stimuli with
replacement: they say how far the mean change depends on which stimuli were shown, not how sure it is that
brains behave so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel._version import __version__
from avfbel.emotion import EMOTIONS, predicted_epp, predicted_valence
from avfbel.errors import InputError
from avfbel.interpret.exposure import Exposure, Progress, ShownClip, expose
from avfbel.interpret.lesions import ALL, SENSE_OF, Lesion, evidence_gains, lesioned, plan_lesions
from avfbel.interpret.stimulus_intervals import METHOD, mean_intervals
from avfbel.runtime.bundle import Bundle
from avfbel.runtime.engine import Predictor
from avfbel.runtime.stream import perceived_by

if TYPE_CHECKING:
    import pandas as pd

    from avfbel.runtime.files import Cell
    from avfbel.senses.features import SensoryFeatures

Array = NDArray[np.float64]

QUANTITIES = ("epp", "valence", *EMOTIONS)
"""What is compared, the last axis of every array of a study."""

UNITS = {"epp": "0 to 1", "valence": "0 to 1", **dict.fromkeys(EMOTIONS, "rating / 127")}
"""Their units."""

COLUMNS = ("lesion", "gain", "quantity", "unit", "intact", "lesioned", "change", "low", "high", "size")
"""Columns of the table of changes."""

_BATCH = 64


class Change(NamedTuple):
    """Mean of one quantity over clips, before and after, and its mean change with a 95 % interval.

    The interval is NaN with fewer than two stimuli. Size is the mean of the change without its sign: clips
    that change in opposite directions cancel each other in the change, not in the size.
    """

    intact: float
    lesioned: float
    change: float
    low: float
    high: float
    size: float


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class LesionStudy:
    """What lesions did to a model's feelings about clips.

    Attributes
    ----------
    lesions : tuple of Lesion
        What was done.
    media, stimulus : tuple of str
        The clips in which something moves or sounds, and what each shows.
    intact : ndarray, shape (n_clips, 7)
        `QUANTITIES` of the intact model.
    lesioned : ndarray, shape (n_lesions, n_clips, 7)
        And after each lesion.
    model, provenance : dict
        Name and version of the model; what the numbers were computed from and with.
    notes : tuple of str
        A sentence about each clip that was left out, for nothing moves or sounds in it.
    faults : tuple of str
        And about each input that could not be measured, or not to its end.
    """

    lesions: tuple[Lesion, ...]
    media: tuple[str, ...]
    stimulus: tuple[str, ...]
    intact: Array
    lesioned: Array
    model: dict[str, str]
    provenance: dict[str, Any]
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def n_stimuli(self) -> int:
        """Number of different stimuli."""
        return len(set(self.stimulus))

    @property
    def change(self) -> Array:
        """Lesioned minus intact, (n_lesions, n_clips, 7)."""
        return self.lesioned - self.intact

    def changes(self) -> list[dict[str, Change]]:
        """Return the mean change of each quantity for each lesion, with its interval."""
        before, told = self.intact.mean(axis=0), []
        shape = (len(self.lesions), len(QUANTITIES), 3)
        means = np.reshape(mean_intervals(np.hstack(list(self.change)), self.stimulus), shape)
        for values, change, found in zip(self.lesioned, self.change, means, strict=True):
            after, size = values.mean(axis=0), np.abs(change).mean(axis=0)
            table = np.column_stack([before, after, found, size])
            told.append({name: Change(*row) for name, row in zip(QUANTITIES, table.tolist(), strict=True)})
        return told

    def rows(self) -> Iterator[list[Cell]]:
        """Yield the table of changes, `COLUMNS`, a row for each lesion and quantity; no interval is None."""
        for lesion, of in zip(self.lesions, self.changes(), strict=True):
            for name, change in of.items():
                numbers = [None if np.isnan(value) else value for value in change]
                yield [lesion.name, lesion.gain, name, UNITS[name], *numbers]

    def to_frame(self) -> pd.DataFrame:
        """Return the table of changes as a data frame."""
        import pandas as pd

        frame = pd.DataFrame(list(self.rows()), columns=list(COLUMNS))
        return frame.astype({"low": "float64", "high": "float64"})

    def to_dict(self) -> dict[str, Any]:
        """Return the study as its JSON holds it."""
        return {
            "model": self.model,
            "n_clips": len(self.media),
            "n_stimuli": self.n_stimuli,
            "units": UNITS,
            "lesions": [
                {
                    "name": lesion.name,
                    "targets": list(lesion.targets),
                    "gain": lesion.gain,
                    "changes": {
                        name: {
                            part: None if np.isnan(value) else value
                            for part, value in change._asdict().items()
                        }
                        for name, change in of.items()
                    },
                }
                for lesion, of in zip(self.lesions, self.changes(), strict=True)
            ],
            "notes": [*self.faults, *self.notes],
            "provenance": self.provenance,
        }


def lesion(
    media: Sequence[str | PathLike[str]],
    regions: Sequence[str] = (ALL,),
    *,
    gains: Sequence[float] = (0.0,),
    each: bool = False,
    model: str | PathLike[str] | Bundle = "default",
    window: float = 4.0,
    hop: float = 1.0,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> LesionStudy:
    """Silence or scale regions of a model, and tell what it changes about its feelings.

    Parameters
    ----------
    media : sequence of path
        Films, sounds, folders, manifests or corpora; see `expose`.
    regions, gains, each
        What is scaled, by how much, and whether one after the other; see `plan_lesions`.
    model : str, path or Bundle
        The trained model; see `Bundle.open`.
    window, hop : float
        Length of a window and distance of the starts of windows, in s.
    jobs : int, optional
        Processes to measure with; by default one a core.
    progress : callable, optional
        Called with what is being done, how many steps of it are done, and how many there are.

    Returns
    -------
    LesionStudy
        The changes.

    Raises
    ------
    InputError
        If the bundle cannot be used, nothing can be measured, or nothing moves or sounds.
    UsageError
        If a region, gain or length is wrong: before any work.

    Examples
    --------
    >>> study = lesion(["film.mp4"], ["amygdala"])  # doctest: +SKIP
    >>> study.changes()[0]["epp"].change  # doctest: +SKIP
    -0.23
    """
    bundle = Bundle.open(model)
    lesions = plan_lesions(bundle, regions, gains=gains, each=each)
    exposure = expose(media, window=window, hop=hop, jobs=jobs, progress=progress)
    return lesion_study(exposure, lesions, model=bundle, progress=progress)


def lesion_study(
    exposure: Exposure,
    lesions: Sequence[Lesion],
    *,
    model: str | PathLike[str] | Bundle = "default",
    progress: Progress | None = None,
) -> LesionStudy:
    """Show clips to a model before and after each of several lesions; the other errors are those of `lesion`.

    Parameters
    ----------
    exposure : Exposure
        Measured clips. Those in which the model perceives nothing are left out, and noted.
    lesions : sequence of Lesion
        What to do, each to the intact model; sound and sight may be scaled by any gain.
    model : str, path or Bundle
        The trained model.
    progress : callable, optional
        Called after each lesion.

    Returns
    -------
    LesionStudy
        The changes.
    """
    bundle = Bundle.open(model)
    clips, notes = _perceived(exposure, bundle)
    intact = _felt(Predictor(bundle), clips, np.ones(2))
    after = []
    for n, done in enumerate(lesions, start=1):
        inside = {target: gain for target, gain in done.gains.items() if target not in SENSE_OF}
        after.append(_felt(Predictor(lesioned(bundle, inside)), clips, evidence_gains(done)))
        if progress is not None:
            progress("lesioning", n, len(lesions))
    return LesionStudy(
        lesions=tuple(lesions),
        media=tuple(clip.media for clip in clips),
        stimulus=tuple(clip.stimulus for clip in clips),
        intact=intact,
        lesioned=np.array(after).reshape(len(lesions), *intact.shape),
        model={"name": bundle.name, "version": bundle.version},
        provenance=_provenance(exposure, bundle, clips),
        notes=tuple(notes),
        faults=exposure.faults,
    )


def _perceived(exposure: Exposure, bundle: Bundle) -> tuple[list[ShownClip], list[str]]:
    """Return the clips as the model perceives them, without those of which it perceives nothing."""
    clips = [
        replace(clip, windows=tuple(perceived_by(window, bundle.senses) for window in clip.windows))
        for clip in exposure.clips
    ]
    notes = [
        f"{clip.media} is left out: {bundle.name} perceives nothing that moves or sounds in it"
        for clip in clips
        if not clip.weight.any()
    ]
    if len(notes) == len(clips):
        raise InputError(f"{bundle.name} perceives nothing that moves or sounds in the clips: show it others")
    return [clip for clip in clips if clip.weight.any()], notes


def _felt(predictor: Predictor, clips: Sequence[ShownClip], evidence: Array) -> Array:
    """Return `QUANTITIES` of clips, (n_clips, 7), with the evidence of both senses scaled."""
    windows = [window for clip in clips for window in clip.windows]
    emotion = np.concatenate(
        [
            predictor.predict(
                [_scaled(window, evidence) for window in windows[start : start + _BATCH]]
            ).emotion
            for start in range(0, len(windows), _BATCH)
        ]
    )
    of_window = np.column_stack(
        [predicted_epp(emotion), predicted_valence(emotion), np.maximum(0.0, emotion) + 0.0]
    )
    bounds = np.cumsum([len(clip.windows) for clip in clips])[:-1]
    parts = np.split(of_window, bounds)
    return np.array([clip.weight @ part / clip.weight.sum() for clip, part in zip(clips, parts, strict=True)])


def _scaled(window: SensoryFeatures, evidence: Array) -> SensoryFeatures:
    audio, video = evidence.tolist()
    return replace(window, g_audio=audio * window.g_audio, g_video=video * window.g_video)


def _provenance(exposure: Exposure, bundle: Bundle, clips: Sequence[ShownClip]) -> dict[str, Any]:
    import onnxruntime

    return {
        "inputs_sha256": {clip.media: clip.sha256 for clip in clips if clip.sha256},
        "bundle_sha256": bundle.sha256,
        "avfbel": __version__,
        "settings": {"window": exposure.window, "hop": exposure.hop},
        "intervals": METHOD,
        "versions": {"numpy": np.__version__, "onnxruntime": str(onnxruntime.__version__)},
    }
