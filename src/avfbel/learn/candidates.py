"""What can be trained and evaluated: the circuit, its parts, and baselines on the same measurements.

Every candidate learns from a `Dataset` and predicts EPP and valence of whole clips, once for each kind of
perception (sound only, picture only, both). Whatever it fits, scalers included, it fits inside `fit`. What it
has not learned to perceive, it does not predict.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from avfbel.data.norms import FUSED_ANIMATION, FUSED_MUSIC
from avfbel.data.targets import KINDS
from avfbel.emotion import predicted_epp, predicted_valence
from avfbel.errors import UsageError
from avfbel.learn.cortex import NONE, SHIPPED, read_cortex
from avfbel.senses.features import ALL_ACOUSTIC, VISUAL_FEATURES

if TYPE_CHECKING:
    from avfbel.brain.model import AVFBEL
    from avfbel.brain.samples import Samples
    from avfbel.data import Dataset

Array = NDArray[np.float64]

CIRCUITS = {"avf-bel": "both", "m-bel": "audio", "a-bel": "video"}
"""The circuit and its two halves, by the senses they have. These can be written as a bundle."""

CONFIGURATIONS: Mapping[str, Mapping[str, Any]] = {
    "avf-bel": {},
    "m-bel": {"modality": "audio"},
    "a-bel": {"modality": "video"},
    "avf-bel-gradient": {"learning": "gradient"},
    "avf-bel-ratings": {"cortex": None},
    "bel": {"visual": "features", "auditory": "features", "fusion": None},
    "bel-m": {"modality": "audio", "auditory": "features", "fusion": None},
    "bel-a": {"modality": "video", "visual": "features", "fusion": None},
}
"""Parameters of `AVFBEL` by name: the circuit, its halves, its recurrent form, the circuit whose cortex
learns from the ratings too, and brain emotional learning on the measured features, without any cortex."""

NAME_OF_MODALITY = {modality: name for name, modality in CIRCUITS.items()}

CHOSEN: Mapping[str, Any] = {"bel_epochs": 3, "alpha": 0.1, "beta": 0.2, "kappa": 0.25, "bel_orders": 10}
"""How a limbic system learns from a cortex that learned without ratings: the choice of least inner error in
`benchmarks/results/nested.json`, averaged over ten orders of learning."""

_OWN_WAYS = frozenset(
    {"visual", "auditory", "fusion", "width", "activation", "n_visual", "n_fused", "hidden"}
)
"""Parameters of a cortex that is not the shipped one."""

WITHOUT_CORTEX = frozenset({"bel", "bel-m", "bel-a"})
"""Circuits in which nothing but the limbic system learns."""

BASELINES = ("mean", "ridge", "gp", "svr", "mlp", "transformer", "late-fusion")
"""Mean of the training clips, regressions and a transformer on the measured features, and a sum of two
regressions that know one sense."""

MODALITY: Mapping[str, str] = {
    **{name: str(parameters.get("modality", "both")) for name, parameters in CONFIGURATIONS.items()},
    **dict.fromkeys(BASELINES, "both"),
}
"""The senses of each candidate: audio, video or both."""

CANDIDATES = tuple(MODALITY)
"""Everything that `make_candidate` knows."""

KINDS_OF_MODALITY: Mapping[str, tuple[str, ...]] = {"both": KINDS, "audio": ("audio",), "video": ("video",)}
"""The kinds of perception that are open to a model with these senses."""

RATIOS = ("pitch", "rms", "tempo", "duration", "speed")
"""Features that act by their ratios: regressions see their logarithms."""


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
    """What a user may choose about learning; None takes the model's own default.

    The cortex of circuits that have one: "default" is the shipped one, which learned without ratings to tell
    what ear and eye measure, "none" learns from the ratings, a path is a file of `write_cortex`.
    """

    epochs: int | None = None
    seed: int = 0
    cortex: str = SHIPPED
    parameters: Mapping[str, Any] = field(default_factory=dict)


def make_candidate(name: str, settings: Settings | None = None) -> Candidate:
    """Make a candidate by its name.

    Parameters
    ----------
    name : str
        One of `CANDIDATES`.
    settings : Settings, optional
        Number of epochs, seed and further parameters of the circuit or the transformer.

    Returns
    -------
    Candidate
        Not fitted.

    Raises
    ------
    UsageError
        If there is no such model.
    ImportError
        If it needs torch, which is not installed, naming the remedy.
    """
    check_candidate(name)
    settings = settings or Settings()
    if name in CONFIGURATIONS:
        return Circuit(circuit(name, settings))
    if name == "transformer":
        return _transformer(settings)
    if name == "late-fusion":
        return LateFusion(lambda: _baseline("gp", settings.seed))
    return Regression(lambda: _baseline(name, settings.seed), kinds=KINDS_OF_MODALITY[MODALITY[name]])


def check_candidate(name: str) -> None:
    """Raise UsageError unless `name` is one of `CANDIDATES`."""
    if name not in CANDIDATES:
        raise UsageError(f"no model {name!r}: choose one of {', '.join(CANDIDATES)}")


def circuit(name: str, settings: Settings) -> AVFBEL:
    """Return the circuit of a name, not fitted.

    Parameters
    ----------
    name : str
        One of `CONFIGURATIONS`.
    settings : Settings
        Epochs are passes of the limbic system, or of the cortex where it learns from the ratings. Parameters
        come on top of those of the configuration; one that asks for another cortex keeps the shipped one out.

    Raises
    ------
    UsageError
        If both a file and parameters say what cortex it is to have.
    InputError
        If the file of the cortex cannot be read.
    ImportError
        If torch is not installed, naming the remedy.
    """
    from avfbel.brain import AVFBEL

    given = {**CONFIGURATIONS[name], "random_state": settings.seed, **settings.parameters}
    own = _OWN_WAYS & set(settings.parameters)
    if own and settings.cortex not in (SHIPPED, NONE):
        names = ", ".join(sorted(own))
        raise UsageError(f"{settings.cortex} is a cortex with its own {names}: leave one of the two out")
    if settings.cortex != NONE and "cortex" not in given and not _OWN_WAYS & set(given):
        given = {**CHOSEN, **given, "cortex": read_cortex(settings.cortex)}
    model = AVFBEL(**given)
    if settings.epochs is not None:
        limbic_only = model.cortex is not None or name in WITHOUT_CORTEX
        model.set_params(**{"bel_epochs" if limbic_only else "epochs": settings.epochs})
    return model


def _transformer(settings: Settings) -> Candidate:
    try:
        from avfbel.learn.transformer_learning import TransformerBaseline
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ImportError('transformer needs torch: pip install "avfbel[train]"', name="torch") from error
    return TransformerBaseline(epochs=settings.epochs, seed=settings.seed, **settings.parameters)


def taught_modality(modality: str, data: Dataset) -> str | None:
    """Tell which of a model's senses rated clips have something for: audio, video, both, or None.

    A sense that no lesson reaches stays as random as it began, and must not have a say.

    Parameters
    ----------
    modality : {"both", "audio", "video"}
        The senses of the model.
    data : Dataset
        What it is to learn from.

    Returns
    -------
    str or None
        None if there is nothing to learn from at all.
    """
    evidence = data.samples(KINDS_OF_MODALITY[modality]).sample_evidence
    audio, video = (bool((evidence[:, sense] > 0).any()) for sense in (0, 1))
    if audio and video:
        return "both"
    return "audio" if audio else "video" if video else None


def check_lessons(name: str, data: Dataset) -> None:
    """Refuse data from which a candidate cannot learn anything.

    Raises
    ------
    UsageError
        If no rated clip has anything that the candidate perceives.
    """
    modality = MODALITY[name]
    if taught_modality(modality, data) is None:
        lacking = {"both": "sound or movement", "audio": "sound", "video": "a moving picture"}[modality]
        raise UsageError(f"{data.manifest}: no rated clip has {lacking}, so that {name} cannot learn from it")


class Circuit:
    """AVF-BEL, or one of its halves, as a candidate: emotions of windows become EPP and valence of clips."""

    def __init__(self, model: AVFBEL) -> None:
        self.model = model
        self.kinds: tuple[str, ...] = ()  # of perception, which it has learned

    def fit(self, data: Dataset, *, progress: Callable[[int, float], None] | None = None) -> Self:
        """Learn from all rated clips of a data set; a sense that they do not address is closed for good.

        Raises
        ------
        UsageError
            If learning diverges.
        """
        self.kinds = ()
        modality = taught_modality(self.model.perceives, data)
        if modality is not None:
            kinds = KINDS_OF_MODALITY[modality]
            self.model.set_params(modality=modality).fit(data.samples(kinds), progress=progress)
            if not np.isfinite(self.model.bel_mse_):
                raise UsageError("learning diverged: train with a lower learning_rate, alpha and beta")
            self.kinds = kinds
        return self

    def predict(self, data: Dataset, kind: str) -> Array:
        """Return EPP and valence of each clip: means over its windows, weighted by their evidence."""
        result = np.full((data.n_clips, 2), np.nan)
        if kind in self.kinds:
            samples = all_samples(data, kind)
            if len(samples):
                emotions = self.model.predict(samples)
                judged = np.stack([predicted_epp(emotions), predicted_valence(emotions)], axis=1)
                weight = samples.sample_evidence.max(axis=1)
                _mean_by_clip(result, data.clip[samples.row], judged, weight)
        return result


def all_samples(data: Dataset, kind: str) -> Samples:
    """Return every window of the clips that can be perceived as `kind`, whether rated or not."""
    from avfbel.brain.samples import Samples

    row = np.flatnonzero(data.available(kind)[data.clip])
    return Samples(
        maps=data.maps,
        acoustic=data.acoustic,
        evidence=data.evidence,
        row=row,
        mask=np.tile([kind != "video", kind != "audio"], (len(row), 1)),
        visual=data.visual,
        sequence=data.clip.astype(np.int64),
    )


def _mean_by_clip(result: Array, clip: NDArray[np.intp], judged: Array, weight: Array) -> None:
    """Write means over windows into `result`; a clip without any evidence is neutral, 0.5."""
    total = np.bincount(clip, weight, minlength=len(result))
    seen = np.bincount(clip, minlength=len(result)) > 0
    for column in range(judged.shape[1]):
        sums = np.bincount(clip, weight * judged[:, column], minlength=len(result))
        mean = np.divide(sums, total, out=np.full(len(result), 0.5), where=total > 0)
        result[seen, column] = mean[seen]


class Regression:
    """A scikit-learn regression for each kind of perception, on the mean features of each clip."""

    def __init__(self, make: Callable[[], Any], *, kinds: tuple[str, ...]) -> None:
        self.make = make
        self.kinds = kinds
        self.models: dict[str, Any] = {}

    def fit(self, data: Dataset) -> Self:
        """Learn from all rated clips of a data set."""
        from sklearn.exceptions import ConvergenceWarning

        self.models = {}
        for kind in self.kinds:
            targets = data.targets[kind]
            wanted = np.stack([targets.epp, targets.valence], axis=1)
            rated = data.available(kind) & np.isfinite(wanted).any(axis=1)
            if rated.any():
                with warnings.catch_warnings():
                    # A length scale at its bound means that a feature does not matter: no news to the user.
                    warnings.simplefilter("ignore", ConvergenceWarning)
                    self.models[kind] = self.make().fit(
                        clip_features(data, kind)[rated], _fill_columns(wanted[rated])
                    )
        return self

    def predict(self, data: Dataset, kind: str) -> Array:
        """Return EPP and valence of each clip, within [0, 1]."""
        result = np.full((data.n_clips, 2), np.nan)
        there = data.available(kind)
        if kind in self.models and there.any():
            said = np.asarray(self.models[kind].predict(clip_features(data, kind)[there]))
            result[there] = np.clip(said, 0.0, 1.0)
        return result


class LateFusion:
    """Two regressions that know nothing of each other, one of sound and one of picture, and their mixture.

    Each learns what was felt at its own modality. What is perceived with both is 0.25 of what the one says
    and 0.75 of what the other says, as the norms themselves are mixed.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self.alone = Regression(make, kinds=("audio", "video"))

    def fit(self, data: Dataset) -> Self:
        """Learn from all rated clips of a data set."""
        self.alone.fit(data)
        return self

    def predict(self, data: Dataset, kind: str) -> Array:
        """Return EPP and valence of each clip; of both together where both were learned."""
        if kind != "fused":
            return self.alone.predict(data, kind)
        audio, video = (self.alone.predict(data, sense) for sense in ("audio", "video"))
        if not {"audio", "video"} <= set(self.alone.models):
            return np.full((data.n_clips, 2), np.nan)
        return FUSED_MUSIC * audio + FUSED_ANIMATION * video


def _fill_columns(wanted: Array) -> Array:
    """Let a target that is not rated be the mean of those that are, or neutral where none is."""
    known = np.isfinite(wanted)
    total = np.where(known, wanted, 0.0).sum(axis=0)
    mean = np.divide(total, known.sum(axis=0), out=np.full(wanted.shape[1], 0.5), where=known.any(axis=0))
    return np.where(known, wanted, mean)


def clip_features(data: Dataset, kind: str) -> Array:
    """Return the mean features of each clip: 7 of sound, 5 of picture, or all 12; NaN where never measured.

    Those that act by `RATIOS` enter as logarithms.
    """
    names = {
        "audio": ALL_ACOUSTIC,
        "video": VISUAL_FEATURES,
        "fused": (*ALL_ACOUSTIC, *VISUAL_FEATURES),
    }[kind]
    measured = {"audio": [data.acoustic], "video": [data.visual], "fused": [data.acoustic, data.visual]}[kind]
    table = np.concatenate(measured, axis=1)
    by_ratio = [names.index(name) for name in RATIOS if name in names]
    table[:, by_ratio] = np.log(np.maximum(table[:, by_ratio], 1e-6))
    known = np.isfinite(table)
    counts, sums = np.zeros((2, data.n_clips, len(names)))
    np.add.at(counts, data.clip, known)
    np.add.at(sums, data.clip, np.where(known, table, 0.0))
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def _prepared(*steps: Any) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler(), *steps)


def _baseline(name: str, seed: int) -> Any:
    from sklearn.dummy import DummyRegressor
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
    from sklearn.linear_model import RidgeCV
    from sklearn.multioutput import MultiOutputRegressor
    from sklearn.neural_network import MLPRegressor
    from sklearn.svm import SVR

    if name == "mean":
        return _prepared(DummyRegressor())
    if name == "ridge":
        return _prepared(RidgeCV(alphas=np.logspace(-2, 4, 13)))
    if name == "svr":
        return _prepared(MultiOutputRegressor(SVR(C=0.3, epsilon=0.02)))
    if name == "mlp":
        # Few stimuli: one small layer, strongly regularised, solved to the end rather than by steps.
        return _prepared(
            MLPRegressor(
                hidden_layer_sizes=(16,), alpha=3.0, solver="lbfgs", max_iter=500, random_state=seed
            ),
        )
    kernel = ConstantKernel(1.0) * RBF(3.0, (0.3, 1e3)) + WhiteKernel(0.1)
    return _prepared(GaussianProcessRegressor(kernel, normalize_y=True, random_state=seed))
