"""What can be trained and evaluated: the circuit, its parts, and baselines on the same measurements.

Every candidate learns from a `Dataset` and predicts EPP and valence of whole clips, once for each kind of
perception (sound only, picture only, both). Whatever it fits, scalers included, it fits inside `fit`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from avfbel.data.targets import KINDS
from avfbel.emotion import predicted_epp, predicted_valence
from avfbel.errors import UsageError

if TYPE_CHECKING:
    from avfbel.brain.model import AVFBEL
    from avfbel.data import Dataset

Array = NDArray[np.float64]

CIRCUITS = {"avf-bel": "both", "m-bel": "audio", "a-bel": "video"}
"""The circuit and its two halves, by the senses they have. These can be written as a bundle."""

NAME_OF_MODALITY = {modality: name for name, modality in CIRCUITS.items()}

LIMBIC = {"bel": "both", "bel-m": "audio", "bel-a": "video"}
"""Brain emotional learning on the measured features themselves, without any cortex."""

BASELINES = ("mean", "ridge", "gp", "svr")
"""Mean of the training clips, and three regressions on the measured features."""

CANDIDATES = (*CIRCUITS, *LIMBIC, *BASELINES)
"""Everything that `make_candidate` knows."""


class Candidate(Protocol):
    """Something that learns what people felt at clips, and predicts it for others."""

    def fit(self, data: Dataset) -> Self:
        """Learn from all clips of a data set."""
        ...

    def predict(self, data: Dataset, kind: str) -> Array:
        """Return EPP and valence (n_clips, 2) of clips perceived as `kind`; NaN where that cannot be."""
        ...


@dataclass(frozen=True)
class Settings:
    """What a user may choose about learning; None takes the model's own default."""

    epochs: int | None = None
    seed: int = 0
    parameters: Mapping[str, Any] = field(default_factory=dict)


def make_candidate(name: str, settings: Settings | None = None) -> Candidate:
    """Make a candidate by its name.

    Parameters
    ----------
    name : str
        One of `CANDIDATES`.
    settings : Settings, optional
        Number of epochs, seed and further parameters of the circuit.

    Returns
    -------
    Candidate
        Not fitted.

    Raises
    ------
    UsageError
        If there is no such model.
    """
    check_candidate(name)
    settings = settings or Settings()
    if name in CIRCUITS:
        return Circuit(circuit(name, settings), kinds=_kinds(CIRCUITS[name]))
    if name in LIMBIC:
        return Regression(lambda: _limbic_pipeline(settings), kinds=_kinds(LIMBIC[name]), emotions=True)
    return Regression(lambda: _baseline(name, settings.seed), kinds=KINDS, emotions=False)


def check_candidate(name: str) -> None:
    """Raise UsageError unless `name` is one of `CANDIDATES`."""
    if name not in CANDIDATES:
        raise UsageError(f"no model {name!r}: choose one of {', '.join(CANDIDATES)}")


def circuit(name: str, settings: Settings) -> AVFBEL:
    """Return the circuit of a name, not fitted."""
    from avfbel.brain.model import AVFBEL

    model = AVFBEL(modality=CIRCUITS[name], random_state=settings.seed, **settings.parameters)
    return model if settings.epochs is None else model.set_params(epochs=settings.epochs)


def _kinds(modality: str) -> tuple[str, ...]:
    return KINDS if modality == "both" else (modality,)


class Circuit:
    """AVF-BEL, or one of its halves, as a candidate: emotions of windows become EPP and valence of clips."""

    def __init__(self, model: AVFBEL, *, kinds: tuple[str, ...]) -> None:
        self.model = model
        self.kinds = kinds

    def fit(self, data: Dataset, *, progress: Callable[[int, float], None] | None = None) -> Self:
        """Learn from all rated clips of a data set."""
        self.model.fit(data.samples(self.kinds), progress=progress)
        return self

    def predict(self, data: Dataset, kind: str) -> Array:
        """Return EPP and valence of each clip: means over its windows, weighted by their evidence."""
        result = np.full((data.n_clips, 2), np.nan)
        if kind in self.kinds:
            samples = unrated_samples(data, kind)
            if len(samples.row):
                emotions = self.model.predict(samples)
                judged = np.stack([predicted_epp(emotions), predicted_valence(emotions)], axis=1)
                weight = samples.sample_evidence.max(axis=1)
                _mean_by_clip(result, data.clip[samples.row], judged, weight)
        return result


def unrated_samples(data: Dataset, kind: str) -> Any:
    """Return every window of the clips that can be perceived as `kind`, whether rated or not."""
    from avfbel.brain.samples import Samples

    row = np.flatnonzero(data.available(kind)[data.clip])
    return Samples(
        maps=data.maps,
        acoustic=data.acoustic,
        evidence=data.evidence,
        row=row,
        mask=np.tile([kind != "video", kind != "audio"], (len(row), 1)),
    )


def _mean_by_clip(result: Array, clip: NDArray[np.intp], judged: Array, weight: Array) -> None:
    """Write means over windows into `result`; a clip without any evidence is neutral, 0.5."""
    total = np.bincount(clip, weight, minlength=len(result))
    for column in range(judged.shape[1]):
        sums = np.bincount(clip, weight * judged[:, column], minlength=len(result))
        seen = np.bincount(clip, minlength=len(result)) > 0
        mean = np.divide(sums, total, out=np.full(len(result), 0.5), where=total > 0)
        result[seen, column] = mean[seen]


class Regression:
    """A scikit-learn regression for each kind of perception, on the mean features of each clip."""

    def __init__(self, make: Callable[[], Any], *, kinds: tuple[str, ...], emotions: bool) -> None:
        self.make = make
        self.kinds = kinds
        self.emotions = emotions  # learn the five emotions rather than EPP and valence
        self.models: dict[str, Any] = {}

    def fit(self, data: Dataset) -> Self:
        """Learn from all rated clips of a data set."""
        self.models = {}
        for kind in self.kinds:
            targets = data.targets[kind]
            wanted = targets.rewards if self.emotions else np.stack([targets.epp, targets.valence], axis=1)
            rated = data.available(kind) & np.isfinite(wanted).any(axis=1)
            if rated.any():
                wanted = _fill_columns(wanted[rated])
                self.models[kind] = self.make().fit(clip_features(data, kind)[rated], wanted)
        return self

    def predict(self, data: Dataset, kind: str) -> Array:
        """Return EPP and valence of each clip, within [0, 1]."""
        result = np.full((data.n_clips, 2), np.nan)
        there = data.available(kind)
        if kind in self.models and there.any():
            said = np.asarray(self.models[kind].predict(clip_features(data, kind)[there]))
            if self.emotions:
                said = np.stack([predicted_epp(said), predicted_valence(said)], axis=1)
            result[there] = np.clip(said, 0.0, 1.0)
        return result


def _fill_columns(wanted: Array) -> Array:
    """Let a target that nobody rated (valence, where only EPP is known) be neutral: it is not scored."""
    return np.where(
        np.isnan(wanted).all(axis=0), 0.5, np.where(np.isnan(wanted), np.nanmean(wanted, axis=0), wanted)
    )


def clip_features(data: Dataset, kind: str) -> Array:
    """Return the mean features of each clip: 7 of sound, 5 of picture, or all 12; NaN where never measured.

    Pitch, loudness, tempo and durations act by ratios and enter as logarithms.
    """
    sound = data.acoustic.copy()
    sound[:, [0, 2, 3, 4]] = np.log(np.maximum(sound[:, [0, 2, 3, 4]], 1e-6))
    sight = data.visual.copy()
    sight[:, 0] = np.log(np.maximum(sight[:, 0], 1e-6))
    table = {"audio": sound, "video": sight, "fused": np.concatenate([sound, sight], axis=1)}[kind]
    result = np.full((data.n_clips, table.shape[1]), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a feature that no window has stays NaN
        for clip in range(data.n_clips):
            result[clip] = np.nanmean(table[data.clip == clip], axis=0)
    return result


def _prepared(*steps: Any) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler(), *steps)


def _limbic_pipeline(settings: Settings) -> Any:
    from avfbel.brain import BrainEmotionalLearning

    model = BrainEmotionalLearning(context=1.0, random_state=settings.seed)
    return _prepared(model if settings.epochs is None else model.set_params(epochs=settings.epochs))


def _baseline(name: str, seed: int) -> Any:
    from sklearn.dummy import DummyRegressor
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
    from sklearn.linear_model import RidgeCV
    from sklearn.multioutput import MultiOutputRegressor
    from sklearn.svm import SVR

    if name == "mean":
        return _prepared(DummyRegressor())
    if name == "ridge":
        return _prepared(RidgeCV(alphas=np.logspace(-2, 4, 13)))
    if name == "svr":
        return _prepared(MultiOutputRegressor(SVR(C=0.3, epsilon=0.02)))
    kernel = ConstantKernel(1.0) * RBF(3.0, (0.3, 1e3)) + WhiteKernel(0.1)
    return _prepared(GaussianProcessRegressor(kernel, normalize_y=True, random_state=seed))
