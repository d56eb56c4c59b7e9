"""AVF-BEL as an estimator: two stages of learning, one pathway from sound and sight to emotion."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray

from avfbel.brain.estimator import Estimator, not_fitted
from avfbel.brain.gradient import (
    GradientSettings,
    Progress,
    fit_scales,
    fuse,
    represent_all,
    reproducible,
    train,
)
from avfbel.brain.limbic import LimbicParameters, LimbicState, initial_state, limbic_fit, limbic_output
from avfbel.brain.network import LimbicWeights, Network
from avfbel.brain.regions import REGIONS
from avfbel.brain.samples import HasSamples, Samples, as_samples

Array = NDArray[np.float64]


class Activity(NamedTuple):
    """What the model did with m samples."""

    emotion: Array
    """(m, q) raw emotional output E, in units of the reward."""
    regions: Array
    """(m, 11) activity of `REGIONS`; units as in `Network.forward`."""
    gates: Array
    """(m, 2) mean attention gates of audio and video."""
    x_fused: Array
    """(m, k) fused code."""


class AVFBEL(Estimator):
    """Audio-visual fusion with brain emotional learning.

    `fit` trains cortex and gyrus by gradient against a temporary linear read-out of the rewards, throws the
    read-out away, and lets amygdala and orbitofrontal cortex learn the rewards from the fused code by the
    local rule.

    Parameters
    ----------
    width : int
        Feature planes of V1; V2, V4 and IT have 2, 4 and 8 times as many. 64 as published.
    activation : {"relu", "gelu", "sigmoid"}
        Non-linearity of the visual areas.
    n_visual, n_fused, hidden : int
        Lengths of X_a and of the fused code, and units of the gyrus' layers.
    dropout, weight_decay, learning_rate : float
        Regularisation and step size of the gradient-trained stage.
    batch_size, epochs : int
        Clips a step, and passes of the gradient-trained stage. 30 passes over 1520 windows, each heard, seen
        and both, show 137 000 samples; the paper's 100 passes over 760 showed 76 000.
    bel_epochs : int
        Shuffled passes of the local rule.
    rule : {"moren", "belbic", "published"}
        Local rule, see `avfbel.brain.limbic`.
    alpha, beta, kappa, gamma : float
        Rates of amygdala, orbitofrontal cortex, thalamic gain, rate of prefrontal cortex (0: off).
    modality : {"both", "audio", "video"}
        Senses the model has; with one it is the paper's M-BEL or A-BEL.
    random_state : int
        Seed of initial weights, shuffling and dropout.

    Attributes
    ----------
    network_ : Network
        The trained regions, in evaluation mode.
    state_ : LimbicState
        Limbic weights, float64.
    loss_curve_ : list of float
        Mean squared error of the read-out in each epoch, while training (dropout on).
    head_mse_, bel_mse_ : float
        Mean squared error on the training samples that a linear read-out could reach on the fused code (least
        squares), and that the local rule reached.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> clips = dict(maps=rng.random((8, 5, 16, 16)), acoustic=rng.random((8, 7)), evidence=np.ones((8, 2)))
    >>> samples = Samples.of_clips(**clips, rewards=rng.random((8, 5)))
    >>> model = AVFBEL(epochs=2).fit(samples)
    >>> model.predict(samples).shape
    (8, 5)
    """

    def __init__(
        self,
        *,
        width: int = 8,
        activation: str = "relu",
        n_visual: int = 64,
        n_fused: int = 32,
        hidden: int = 64,
        dropout: float = 0.2,
        weight_decay: float = 1e-3,
        learning_rate: float = 1e-3,
        batch_size: int = 32,
        epochs: int = 30,
        bel_epochs: int = 30,
        rule: str = "moren",
        alpha: float = 0.1,
        beta: float = 0.2,
        kappa: float = 0.25,
        gamma: float = 0.0,
        modality: str = "both",
        random_state: int = 0,
    ) -> None:
        self.width = width
        self.activation = activation
        self.n_visual = n_visual
        self.n_fused = n_fused
        self.hidden = hidden
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.bel_epochs = bel_epochs
        self.rule = rule
        self.alpha = alpha
        self.beta = beta
        self.kappa = kappa
        self.gamma = gamma
        self.modality = modality
        self.random_state = random_state

    def fit(self, data: Samples | HasSamples, *, progress: Progress | None = None) -> Self:
        """Learn from samples with rewards.

        Parameters
        ----------
        data : Samples, or an object with a method ``samples()``
            Clips, the senses each sample opens, and rewards. Samples without evidence for any sense that the
            model has teach nothing and are left out.
        progress : callable, optional
            Called after each epoch of the gradient-trained stage with its number, from 1, and its loss.

        Returns
        -------
        AVFBEL
            Itself.

        Raises
        ------
        ValueError
            If there are no rewards, no sample has evidence, or a parameter cannot be used.
        """
        samples, rewards = self._lessons(data)
        for name in ("bel_epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        settings = GradientSettings(
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            batch_size=self.batch_size,
            epochs=self.epochs,
        )
        parameters = self._limbic_parameters()
        with reproducible(self.random_state):
            network = self._new_network()
            fit_scales(network, samples)
            loss_curve = train(network, samples, settings, seed=self.random_state, progress=progress)
            network.fused_scale.copy_(torch.from_numpy(unit_scale(fuse(network, samples))))
            x_fused = fuse(network, samples)
        rng = np.random.default_rng(self.random_state)
        order = np.stack([rng.permutation(len(x_fused)) for _ in range(self.bel_epochs)])
        naive = initial_state(x_fused.shape[1], rewards.shape[1])
        self.state_: LimbicState = limbic_fit(naive, x_fused, rewards, order, parameters)
        self.network_: Network = network
        self.loss_curve_: list[float] = loss_curve
        self.head_mse_ = _least_squares_error(x_fused, rewards)
        emotion = limbic_output(self.state_, x_fused, parameters).emotion
        self.bel_mse_ = float(((emotion - rewards) ** 2).mean())
        return self

    def partial_fit(self, data: Samples | HasSamples) -> Self:
        """Let the limbic system go on learning, in order and at constant rates; the cortex stays.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` was not called before.
        ValueError
            If there are no rewards or no sample has evidence.
        """
        self._check_fitted()
        samples, rewards = self._lessons(data)
        x_fused, order = fuse(self.network_, samples), np.arange(len(samples))
        self.state_ = limbic_fit(self.state_, x_fused, rewards, order, self._limbic_parameters())
        return self

    def predict(self, data: Samples | HasSamples) -> Array:
        """Return the raw emotional output E (m, q), in units of the reward.

        A data set is predicted once for each rated window and each way to perceive it (sound, picture, both):
        the rows are those of ``data.samples()``. `avfbel.evaluate` averages them over clips and stimuli.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the model has not been trained.
        """
        return self.activity(data).emotion

    def activity(self, data: Samples | HasSamples, *, gain: NDArray[np.floating] | None = None) -> Activity:
        """Return emotional output, activity of every region, gates and fused code of samples.

        Parameters
        ----------
        data : Samples, or an object with a method ``samples()``
            What to look at and listen to.
        gain : ndarray, shape (11,), optional
            Factor on the output of each of `REGIONS`; 0 is a lesion.

        Returns
        -------
        Activity
            Arrays of m rows, float64.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the model has not been trained.
        ValueError
            If there are no samples.
        """
        self._check_fitted()
        samples = as_samples(data)
        if not len(samples):
            raise ValueError("there are no samples to predict")
        gains = torch.ones(len(REGIONS)) if gain is None else torch.as_tensor(gain, dtype=torch.float32)
        weights = self.limbic_weights()._replace(gain=gains)
        with torch.no_grad():
            said = represent_all(self.network_, samples, gain=gains)
            return Activity(*(part.double().numpy() for part in self.network_.feel(said, weights)))

    def limbic_weights(self) -> LimbicWeights:
        """Return V, U, W, T and gains of 1 as float32 tensors, the way `Network.forward` takes them."""
        self._check_fitted()
        tensors = {name: torch.from_numpy(w.astype(np.float32)) for name, w in self.state_._asdict().items()}
        return LimbicWeights(**tensors, gain=torch.ones(len(REGIONS)))

    @property
    def n_parameters_(self) -> dict[str, int]:
        """Trained numbers by module, the limbic weights included (prefrontal ones only if they learned)."""
        self._check_fitted()
        counts = {
            name: sum(p.numel() for p in part.parameters()) for name, part in self.network_.named_children()
        }
        learned = [w for name, w in self.state_._asdict().items() if name != "W" or self.gamma > 0]
        return {**counts, "limbic_system": sum(w.size for w in learned)}

    def _new_network(self) -> Network:
        return Network(
            width=self.width,
            activation=self.activation,
            n_visual=self.n_visual,
            n_fused=self.n_fused,
            hidden=self.hidden,
            dropout=self.dropout,
            kappa=0.0 if self.rule == "published" else self.kappa,
            modality=self.modality,
        )

    def _limbic_parameters(self) -> LimbicParameters:
        if self.rule == "released":
            raise ValueError("rule 'released' has another output equation: use BrainEmotionalLearning for it")
        return LimbicParameters(
            rule=self.rule, alpha=self.alpha, beta=self.beta, kappa=self.kappa, gamma=self.gamma
        )

    def _lessons(self, data: Samples | HasSamples) -> tuple[Samples, Array]:
        samples = as_samples(data)
        if samples.rewards is None:
            raise ValueError("there are no rewards to learn from: Samples(rewards=...) holds them")
        samples = samples.with_senses(audio=self.modality != "video", video=self.modality != "audio")
        samples = samples.select((samples.sample_evidence > 0).any(axis=1))
        if not len(samples) or samples.rewards is None:
            raise ValueError(f"no sample has evidence for a model of modality {self.modality!r}")
        return samples, samples.rewards

    def _check_fitted(self) -> None:
        if not hasattr(self, "state_"):
            raise not_fitted(self)


def unit_scale(x_fused: Array) -> NDArray[np.float32]:
    """Return factors that give each unit a root mean square of 1 over the training samples.

    The local rule moves all weights at one rate, so units of one size learn alike. Units that whisper (below
    a tenth of the loudest) are scaled like those at a tenth: what they say is mostly chance.

    Examples
    --------
    >>> unit_scale(np.array([[2.0, 0.0], [2.0, 0.0]])).tolist()
    [0.5, 5.0]
    """
    rms: Array = np.sqrt((x_fused**2).mean(axis=0))
    loudest = float(rms.max()) or 1.0
    scale: NDArray[np.float32] = (1.0 / np.maximum(rms, 0.1 * loudest)).astype(np.float32)
    return scale


def _least_squares_error(x: Array, rewards: Array) -> float:
    solution = np.linalg.lstsq(x, rewards, rcond=None)[0]
    return float(((x @ solution - rewards) ** 2).mean())
