"""AVF-BEL as an estimator: two stages of learning, one pathway from sound and sight to emotion."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray

from avfbel.brain.contexts import out_of_contexts, rehearsal
from avfbel.brain.cortex import Cortex
from avfbel.brain.costs import ModuleCost, network_costs
from avfbel.brain.estimator import Estimator, not_fitted
from avfbel.brain.gradient import (
    GradientSettings,
    Progress,
    device_of,
    fit_scales,
    fuse,
    represent_all,
    reproducible,
    train,
)
from avfbel.brain.limbic import LimbicParameters, LimbicState, initial_state, limbic_output
from avfbel.brain.limbic_learning import limbic_fit
from avfbel.brain.network import LimbicWeights, Network, NetworkOutput, Representation, open_modality
from avfbel.brain.recurrent import RecurrentLimbic
from avfbel.brain.recurrent_training import online_step, run_sequences, train_recurrent
from avfbel.brain.regions import REGIONS
from avfbel.brain.samples import HasSamples, Samples, as_samples

Array = NDArray[np.float64]
LEARNING = ("local", "gradient")


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

    With a `cortex` that has learned to tell what eye and ear measure (`avfbel.brain.lines`), `fit` teaches
    the limbic system only: amygdala and orbitofrontal cortex learn the rewards from the fused code, by the
    local rule, window by window, or by back-propagation through a recurrent form over the windows of a clip.
    Without one, it first trains cortex and gyrus by gradient against a temporary linear read-out of the
    rewards, and throws the read-out away.

    The circuits of the paper's ablation (Table 2) are configurations: ``AVFBEL(visual=None)`` and
    ``AVFBEL(auditory=None)`` hear or see only; ``fusion=None`` leaves the temporal gyrus out, as its M-BEL
    and A-BEL do; ``AVFBEL(visual=None, auditory="features", fusion=None)`` is BEL on the acoustic features.

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
    bel_orders : int
        Orders of the samples in which the local rule learns anew from nothing; the weights are averaged, so
        that little depends on which sample came last.
    rule : {"moren", "belbic", "published"}
        Local rule, see `avfbel.brain.limbic`. Of these, recurrent learning knows the random thalamus of
        "published" only.
    alpha, beta, kappa, gamma : float
        Rates of amygdala, orbitofrontal cortex, thalamic gain, rate of prefrontal cortex (0: off).
    modality : {"both", "audio", "video"}
        Senses the model has. "audio" is the same as ``visual=None``, "video" as ``auditory=None``.
    visual : {"cornet-z", "features", None}
        How sight comes in: through the visual cortex, as the five measured features (`Samples.visual`), or
        not.
    auditory : {"col1", "features", None}
        How sound comes in: through the auditory cortex, as the measured features, or not.
    fusion : {"gyrus", None}
        Whether the codes of the senses meet in the temporal gyrus or reach the limbic system side by side.
    learning : {"local", "gradient"}
        How the limbic system learns: by the local rule, or by back-propagation (`avfbel.brain.recurrent`).
    limbic_hidden : int
        Units of the hidden layer of recurrent learning.
    cortex : Cortex, optional
        Sensory regions that have learned and stay as they are; `width`, `activation`, `n_visual`, `n_fused`,
        `hidden`, `dropout` and `epochs` are then those of the cortex.
    device : str
        Where `fit` trains: "auto" (a CUDA device if there is one), "cpu" or "cuda". A trained model is on the
        processor.
    random_state : int
        Seed of initial weights, shuffling and dropout.

    Attributes
    ----------
    network_ : Network
        The trained regions, in evaluation mode.
    state_ : LimbicState
        Limbic weights, float64, after local learning.
    limbic_ : RecurrentLimbic
        The recurrent limbic system, after learning by gradient.
    limbic_loss_curve_ : list of float
        Its loss in each epoch; empty after local learning.
    loss_curve_ : list of float
        Mean squared error of the read-out in each epoch, while training (dropout on); empty with a `cortex`.
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
        bel_orders: int = 1,
        rule: str = "moren",
        alpha: float = 0.1,
        beta: float = 0.2,
        kappa: float = 0.25,
        gamma: float = 0.0,
        modality: str = "both",
        visual: str | None = "cornet-z",
        auditory: str | None = "col1",
        fusion: str | None = "gyrus",
        learning: str = "local",
        limbic_hidden: int = 32,
        cortex: Cortex | None = None,
        device: str = "auto",
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
        self.bel_orders = bel_orders
        self.rule = rule
        self.alpha = alpha
        self.beta = beta
        self.kappa = kappa
        self.gamma = gamma
        self.modality = modality
        self.visual = visual
        self.auditory = auditory
        self.fusion = fusion
        self.learning = learning
        self.limbic_hidden = limbic_hidden
        self.cortex = cortex
        self.device = device
        self.random_state = random_state

    def fit(self, data: Samples | HasSamples, *, progress: Progress | None = None) -> Self:
        """Learn from samples with rewards.

        Parameters
        ----------
        data : Samples, or an object with a method ``samples()``
            Clips, the senses each sample opens, and rewards. Samples without evidence for any sense that the
            model has teach nothing and are left out.
        progress : callable, optional
            Called after each epoch of the gradient-trained stage, which a `cortex` makes needless, with its
            number, from 1, and its loss.

        Returns
        -------
        AVFBEL
            Itself.

        Raises
        ------
        ValueError
            If there are no rewards, no sample has evidence, or a parameter cannot be used: with a cortex,
            `visual`, `auditory` and `fusion` cannot name other ways in.
        """
        if self.learning not in LEARNING:
            raise ValueError(f"learning must be {' or '.join(LEARNING)}, got {self.learning!r}")
        device = device_of(self.device)
        samples, rewards = self._lessons(data)
        for name in ("bel_epochs", "bel_orders", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        settings = self._settings(self.epochs)
        parameters = self._limbic_parameters()
        with reproducible(self.random_state):
            network = self._new_network()
            if self.cortex is None:
                fit_scales(network, samples)
            network.to(device)
            loss_curve: list[float] = []
            if self.cortex is None:
                loss_curve = train(network, samples, settings, seed=self.random_state, progress=progress)
            x_fused = fuse(network, samples)
            if network.lines:
                lines = torch.from_numpy(out_of_contexts(x_fused))
                network.adaptation.fit(lines, torch.from_numpy(samples.sample_evidence))
            else:
                network.fused_scale.copy_(torch.from_numpy(unit_scale(x_fused)))
            x_fused = fuse(network, samples)
            for learned in ("state_", "limbic_"):
                self.__dict__.pop(learned, None)
            self.limbic_loss_curve_: list[float] = []
            if self.learning == "gradient":
                self._learn_by_gradient(network, x_fused, rewards, samples)
        if self.learning == "local":
            rng = np.random.default_rng(self.random_state)
            shown, wanted = x_fused, rewards
            if network.lines:
                alone, again = rehearsal(x_fused)
                shown, wanted = np.concatenate([shown, again]), np.concatenate([wanted, rewards[alone]])
            passes = [rng.permutation(len(shown)) for _ in range(self.bel_orders * self.bel_epochs)]
            order = np.stack(passes).reshape(self.bel_orders, self.bel_epochs, -1)
            naive = initial_state(shown.shape[1], wanted.shape[1], models=(len(order),))
            states = limbic_fit(naive, shown, wanted, order, parameters)
            self.state_: LimbicState = LimbicState(*(weights.mean(axis=0) for weights in states))
        self.network_: Network = network.cpu()
        self.loss_curve_ = loss_curve
        self.head_mse_ = _least_squares_error(x_fused, rewards)
        self.bel_mse_ = float(((self._emotion(x_fused, samples) - rewards) ** 2).mean())
        return self

    def partial_fit(self, data: Samples | HasSamples) -> Self:
        """Let the limbic system go on learning, in order and at constant rates; the cortex stays.

        Local learning takes a step a sample; learning by gradient takes one a clip, of plain gradient descent
        at the rate `alpha`.

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
        if hasattr(self, "limbic_"):
            with reproducible(self.random_state):
                for numbers in samples.sequences():
                    online_step(self.limbic_, x_fused, rewards, numbers, rate=self.alpha)
        else:
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
        with torch.no_grad():
            said = represent_all(self.network_, samples, gain=gains)
            if hasattr(self, "limbic_"):
                felt = self._feel_through(said, samples, gains)
            else:
                felt = self.network_.feel(said, self.limbic_weights()._replace(gain=gains))
            return Activity(*(part.double().numpy() for part in felt))

    def limbic_weights(self) -> LimbicWeights:
        """Return V, U, W, T and gains of 1 as float32 tensors, the way `Network.forward` takes them.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the model has not been trained.
        ValueError
            If it learned by gradient, and has other weights.
        """
        self._check_fitted()
        if hasattr(self, "limbic_"):
            raise ValueError("a recurrent limbic system has no V, U, W and T: train with learning='local'")
        tensors = {name: torch.from_numpy(w.astype(np.float32)) for name, w in self.state_._asdict().items()}
        return LimbicWeights(**tensors, gain=torch.ones(len(REGIONS)))

    @property
    def n_parameters_(self) -> dict[str, int]:
        """Trained numbers by module, the limbic weights included (prefrontal ones only if they learned)."""
        self._check_fitted()
        counts = {
            name: sum(p.numel() for p in part.parameters()) for name, part in self.network_.named_children()
        }
        if hasattr(self, "limbic_"):
            return {**counts, "limbic_system": sum(p.numel() for p in self.limbic_.parameters())}
        learned = [w for name, w in self.state_._asdict().items() if name != "W" or self.gamma > 0]
        return {**counts, "limbic_system": sum(w.size for w in learned)}

    def parameter_table(self, *, n_outputs: int = 5) -> list[ModuleCost]:
        """Return what each module costs; the model need not be trained.

        Parameters
        ----------
        n_outputs : int
            Number of emotions.

        Returns
        -------
        list of ModuleCost
            Trained parameters, statistics taken from training data and operations per window, module by
            module in the order of the pathway.

        Examples
        --------
        >>> {cost.module: cost.operations for cost in AVFBEL().parameter_table()}["V1"]
        2007040
        """
        with reproducible(self.random_state):
            network = self._new_network()
        recurrent = self.learning == "gradient"
        return network_costs(
            network,
            n_outputs=n_outputs,
            limbic=self._new_recurrent(n_outputs, network) if recurrent else None,
            prefrontal=self.gamma > 0,
        )

    @property
    def perceives(self) -> str:
        """The senses that the model's modality and ways in leave open: both, audio or video."""
        return open_modality(self.modality, visual=self.visual, auditory=self.auditory)

    def _new_network(self) -> Network:
        kappa = 0.0 if self.rule == "published" else self.kappa
        if self.cortex is not None:
            if self.fusion != "gyrus" or "features" in (self.visual, self.auditory):
                raise ValueError(
                    "a cortex has its ways in and its gyrus: leave visual, auditory and fusion as they are"
                )
            return self.cortex.network(kappa=kappa, modality=self.perceives)
        return Network(
            width=self.width,
            activation=self.activation,
            n_visual=self.n_visual,
            n_fused=self.n_fused,
            hidden=self.hidden,
            dropout=self.dropout,
            kappa=kappa,
            modality=self.modality,
            visual=self.visual,
            auditory=self.auditory,
            fusion=self.fusion,
        )

    def _new_recurrent(self, n_outputs: int, network: Network) -> RecurrentLimbic:
        published = self.rule == "published"
        n_in = network.n_code
        return RecurrentLimbic(n_in, self.limbic_hidden, n_outputs, kappa=self.kappa, published=published)

    def _settings(self, epochs: int) -> GradientSettings:
        return GradientSettings(
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            batch_size=self.batch_size,
            epochs=epochs,
        )

    def _learn_by_gradient(self, network: Network, x_fused: Array, rewards: Array, samples: Samples) -> None:
        limbic = self._new_recurrent(rewards.shape[1], network).to(network.fused_scale.device)
        self.limbic_loss_curve_ = train_recurrent(
            limbic,
            x_fused,
            rewards,
            samples.sequences(),
            self._settings(self.bel_epochs),
            seed=self.random_state,
            weight=samples.weight,
        )
        self.limbic_: RecurrentLimbic = limbic.cpu().eval()

    def _emotion(self, x_fused: Array, samples: Samples) -> Array:
        """Return E (m, q) of fused codes, of which none is without evidence."""
        if hasattr(self, "limbic_"):
            x = torch.from_numpy(x_fused)
            said = run_sequences(self.limbic_, x, samples.sequences(), seed=self.random_state)
            emotion: Array = said.emotion[0].double().numpy()
            return emotion
        return limbic_output(self.state_, x_fused, self._limbic_parameters()).emotion

    def _feel_through(self, said: Representation, samples: Samples, gain: torch.Tensor) -> NetworkOutput:
        """Return what the recurrent limbic system makes of the windows of clips; without evidence nothing."""
        senses = self.network_.senses.numpy()
        perceived = (samples.sample_evidence * senses > 0).any(axis=1)
        numbers = np.flatnonzero(perceived)
        sequences = [numbers[of] for of in samples.select(numbers).sequences()]
        felt = run_sequences(
            self.limbic_, said.x_fused, sequences, seed=self.random_state, gain=gain[len(REGIONS) - 3 :]
        )
        means = [part[0].mean(dim=1, keepdim=True) for part in felt[1:4]]
        regions = torch.cat([said.activity, *means], dim=1)
        return NetworkOutput(felt.emotion[0], regions, said.gates.float(), said.x_fused.float())

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
        modality = self.perceives
        samples = samples.with_senses(audio=modality != "video", video=modality != "audio")
        samples = samples.select((samples.sample_evidence > 0).any(axis=1))
        if not len(samples) or samples.rewards is None:
            raise ValueError(f"no sample has evidence for a model of modality {modality!r}")
        return samples, samples.rewards

    def _check_fitted(self) -> None:
        if not hasattr(self, "network_"):
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
