"""Brain emotional learning as a scikit-learn estimator: features and rewards in, emotion out."""

from __future__ import annotations

import warnings
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import validate_data

from avfbel.brain.estimator import Estimator, not_fitted
from avfbel.brain.limbic import LimbicParameters, LimbicState, initial_state, limbic_output
from avfbel.brain.limbic_learning import limbic_fit

Array = NDArray[np.float64]


class BrainEmotionalLearning(Estimator):
    """Amygdala that learns to expect reward, orbitofrontal cortex that learns to take it back.

    Signed features are split into ON and OFF channels, as in the retina, because stimuli are at least 0. The
    number of features and outputs is learned from the first `fit` or `partial_fit`. There are no sample
    weights: every row is one trial, and a row that should count twice is shown twice.

    It follows the conventions of scikit-learn [2]_. With `depth` above 1 it also needs to know which rows
    belong to one clip: `cross_val_score` and pipelines hand `clips` on if metadata routing is enabled and
    ``set_fit_request(clips=True)`` and its like for `predict` and `score` were called.

    Parameters
    ----------
    rule : {"moren", "belbic", "published", "released"}
        Learning rule, see `avfbel.brain.limbic`.
    alpha, beta, gamma : float
        Learning rates of amygdala, orbitofrontal and prefrontal cortex (0: off), dimensionless.
    kappa : float
        Gain of the thalamic path; above 0.5 it breaks blocking.
    context : float
        Strength of a cue that is always there: 0 for conditioning, 1 for raw features.
    depth : int
        Number of successive windows of one clip that make a stimulus; above 1 needs `clips`.
    epochs : int
        Shuffled passes of `fit`.
    random_state : int or numpy.random.Generator, optional
        Seed of the shuffling.

    Attributes
    ----------
    state_ : LimbicState
        The weights V, T, U, W.
    n_features_in_ : int
        Number of features seen.
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Their names, if `X` was a data frame.

    References
    ----------
    .. [1] Morén, J. (2002), *Emotion and Learning: A Computational Model of the Amygdala*, Lund University.
    .. [2] https://scikit-learn.org/stable/developers/develop.html

    Examples
    --------
    A bell and a light, of which only the bell is followed by food:

    >>> bell, light = [1.0, 0.0], [0.0, 1.0]
    >>> bel = BrainEmotionalLearning(random_state=0).fit([bell, light], [1.0, 0.0])
    >>> bel.predict([bell, light]).round(1)
    array([0.8, 0. ])
    """

    def __init__(
        self,
        *,
        rule: str = "moren",
        alpha: float = 0.1,
        beta: float = 0.2,
        kappa: float = 0.25,
        gamma: float = 0.0,
        context: float = 0.0,
        depth: int = 1,
        epochs: int = 30,
        random_state: int | np.random.Generator | None = None,
    ) -> None:
        self.rule = rule
        self.alpha = alpha
        self.beta = beta
        self.kappa = kappa
        self.gamma = gamma
        self.context = context
        self.depth = depth
        self.epochs = epochs
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, *, clips: ArrayLike | None = None) -> Self:
        """Learn from scratch, in shuffled passes with rates that fall as 1 / (1 + pass / 10).

        Parameters
        ----------
        X : array-like, shape (n, d)
            Features, of either sign, finite, dimensionless.
        y : array-like, shape (n,) or (n, q)
            Rewards, finite; `predict` answers in their unit.
        clips : array-like, shape (n,), optional
            The clip of each row, needed when `depth` is above 1: rows of a clip are successive windows.

        Returns
        -------
        BrainEmotionalLearning
            Itself.

        Raises
        ------
        ValueError
            If shapes or parameters cannot be used.
        """
        self.__dict__.pop("state_", None)  # a fit that fails leaves no weights of other data
        x, reward = self._lessons(X, y, clips, first=True)
        if self.epochs < 1:
            raise ValueError(f"epochs must be at least 1, got {self.epochs}")
        rng = np.random.default_rng(self.random_state)
        order = np.stack([rng.permutation(len(x)) for _ in range(self.epochs)])
        return self._learn(initial_state(x.shape[1], reward.shape[1]), x, reward, order)

    def partial_fit(self, X: ArrayLike, y: ArrayLike, *, clips: ArrayLike | None = None) -> Self:
        """Learn the rows in their order at constant rates, going on from what is known.

        Parameters and errors are those of `fit`; the number of features and outputs must stay what it was.
        """
        first = not hasattr(self, "state_")
        x, reward = self._lessons(X, y, clips, first=first)
        state = initial_state(x.shape[1], reward.shape[1]) if first else self.state_
        return self._learn(state, x, reward, np.arange(len(x)))

    def predict(self, X: ArrayLike, *, clips: ArrayLike | None = None) -> Array:
        """Return the emotional output E, in units of the reward and in the shape of the targets learned.

        Parameters
        ----------
        X : array-like, shape (n, d)
            Features.
        clips : array-like, shape (n,), optional
            The clip of each row, when `depth` is above 1.

        Returns
        -------
        ndarray, shape (n,) or (n, q)
            Emotional output.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If nothing was learned yet.
        ValueError
            If the number of features is another than in training.
        """
        if not hasattr(self, "state_"):
            raise not_fitted(self)
        features = validate_data(self, X, reset=False, dtype=np.float64)
        emotion: Array = limbic_output(
            self.state_, self._stimuli(features, clips), self._parameters()
        ).emotion
        return emotion[:, 0] if self._one_dimensional else emotion

    def score(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        clips: ArrayLike | None = None,
    ) -> float:
        """Return the coefficient of determination R² of the predictions, averaged over outputs.

        Parameters
        ----------
        X, y, clips
            Features, rewards and clips, as in `fit`.
        sample_weight : array-like, shape (n,), optional
            Weight of each row in the score.

        Returns
        -------
        float
            At most 1; 0 is a constant, the mean.
        """
        from sklearn.metrics import r2_score

        return float(r2_score(y, self.predict(X, clips=clips), sample_weight=sample_weight))

    def _learn(self, state: LimbicState, x: Array, reward: Array, order: NDArray[np.int64]) -> Self:
        parameters = self._parameters()
        with np.errstate(over="ignore", invalid="ignore"):  # one warning that helps, instead of many
            self.state_: LimbicState = limbic_fit(state, x, reward, order, parameters)
        if not all(np.isfinite(weights).all() for weights in self.state_):
            warnings.warn(
                f"the weights of {self!r} grew without bound: lower gamma or beta, or scale the features "
                "(the rule 'published' diverges for every beta above 0)",
                ConvergenceWarning,
                stacklevel=3,
            )
        return self

    def _parameters(self) -> LimbicParameters:
        return LimbicParameters(
            rule=self.rule, alpha=self.alpha, beta=self.beta, kappa=self.kappa, gamma=self.gamma
        )

    def _lessons(
        self, X: ArrayLike, y: ArrayLike, clips: ArrayLike | None, *, first: bool
    ) -> tuple[Array, Array]:
        """Return stimuli (n, k) and rewards (n, q); `first` learns k and q, otherwise they must agree."""
        features, rewards = validate_data(
            self, X, y, reset=first, dtype=np.float64, multi_output=True, y_numeric=True
        )
        if self.depth < 1:
            raise ValueError(f"depth must be at least 1, got {self.depth}")
        if first:
            self._one_dimensional = rewards.ndim == 1
        rewards = rewards.reshape(len(rewards), -1).astype(np.float64)
        if not first and rewards.shape[1] != self.state_.T.shape[-1]:
            raise ValueError(f"y has {rewards.shape[1]} outputs, but {self.state_.T.shape[-1]} were learned")
        return self._stimuli(features, clips), rewards

    def _stimuli(self, features: Array, clips: ArrayLike | None) -> Array:
        if self.depth > 1:
            if clips is None:
                raise ValueError(
                    f"depth {self.depth} needs clips: a stimulus is never made of unrelated rows"
                )
            features = last_windows(features, np.asarray(clips), self.depth)
        return on_off_channels(features, context=self.context)


def on_off_channels(features: Array, *, context: float = 0.0) -> Array:
    """Split signed features into what is above and what is below zero, and add a constant cue.

    Parameters
    ----------
    features : ndarray, shape (n, d)
        Features of either sign.
    context : float
        Strength of the constant cue; 0 leaves it out.

    Returns
    -------
    ndarray, shape (n, 2 d) or (n, 2 d + 1)
        Stimuli, at least 0.

    Examples
    --------
    >>> on_off_channels(np.array([[2.0, -3.0]]), context=1.0).tolist()
    [[2.0, 0.0, 0.0, 3.0, 1.0]]
    """
    if context < 0:
        raise ValueError(f"context must be at least 0, got {context}")
    parts = [np.maximum(features, 0.0), np.maximum(-features, 0.0)]
    if context:
        parts.append(np.full((len(features), 1), context))
    return np.concatenate(parts, axis=1)


def last_windows(features: Array, clips: NDArray[np.generic], depth: int) -> Array:
    """Put the last `depth` windows of a clip side by side, the newest first, 0 before its start.

    Examples
    --------
    >>> last_windows(np.array([[1.0], [2.0], [3.0]]), np.array(["a", "a", "b"]), 2).tolist()
    [[1.0, 0.0], [2.0, 1.0], [3.0, 0.0]]
    """
    if clips.shape != (len(features),):
        raise ValueError(f"clips must have shape ({len(features)},), got {clips.shape}")
    stimuli = np.zeros((len(features), depth, features.shape[1]))
    for clip in np.unique(clips):
        rows = np.flatnonzero(clips == clip)
        for back in range(min(depth, len(rows))):
            stimuli[rows[back:], back] = features[rows[: len(rows) - back]]
    return stimuli.reshape(len(features), -1)
