r"""The recurrent form of the limbic system (Fig. 3 of the paper), for learning by back-propagation.

The paper prints equations for the local rule (Eq. 18-20) and draws a recurrent network (Fig. 3) without
equations. What its text says of the drawing, and the reading taken here, for window t of a clip:

============================================================  ================================================
said of Fig. 3                                                read as
============================================================  ================================================
"the amygdala integrates inputs from the sensory cortex and   :math:`\theta_t = \kappa \max_i x_{t,i}` as in
thalamus"; "randomly generated signals are used to simulate   the local rule; a random number in [0, 1) a
thalamic output"                                              window under `published`
"the hidden layer stores the learned contextual information"  :math:`h_t = \tanh(W_x x_t + W_h h_{t-1})`,
                                                              :math:`h_0 = 0` where a clip starts
"excitatory signals (FC_A)"                                   :math:`A_t = \max(0, W_A [h_t, \theta_t])`
"inhibitory signals (FC_O)"                                   :math:`O_t = \max(0, W_O h_t)`
"the control layer mimics the prefrontal cortex, fine-tuning  :math:`F_t = O_t \odot \tanh(W_C h_t)`: from
these inhibitory signals"                                     none of the inhibition to twice as much
Eq. 20                                                        :math:`E_t = \sum A_t - \sum O_t - \sum F_t`
"a reinforcement signal (Reward) provides feedback"           the loss, see `recurrent_loss`
============================================================  ================================================

Sums are over the nodes of FC_A and FC_O, of which each output has several, as Eq. 20 has it. No layer has a
bias, so that a clip without any stimulus leaves everything at exactly 0 (but for the random thalamus).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LIMBIC = ("amygdala", "orbitofrontal", "prefrontal")
"""The regions in this network, in the order of its gains."""


class RecurrentWeights(NamedTuple):
    """Weights of all layers, dimensionless; k stimuli, s hidden units, m nodes for each of q outputs."""

    W_x: Tensor
    """(s, k) from the fused code to the hidden layer."""
    W_h: Tensor
    """(s, s) from the hidden layer to itself, one window later."""
    W_A: Tensor
    """(m q, s + 1) FC_A, from the hidden layer and the thalamus."""
    W_O: Tensor
    """(m q, s) FC_O."""
    W_C: Tensor
    """(m q, s) control layer."""


class RecurrentActivity(NamedTuple):
    """What the regions say in each window, in units of the reward, and the hidden layer."""

    emotion: Tensor
    """(n, T, q) E."""
    amygdala: Tensor
    """(n, T, q) sum of A, at least 0."""
    orbitofrontal: Tensor
    """(n, T, q) sum of O, at least 0."""
    prefrontal: Tensor
    """(n, T, q) sum of F, between minus and plus the sum of O."""
    hidden: Tensor
    """(n, T, s) hidden layer, within +-1."""


def recurrent_limbic(
    x: Tensor, thalamus: Tensor, weights: RecurrentWeights, *, n_outputs: int, gain: Tensor | None = None
) -> RecurrentActivity:
    r"""Run the recurrent limbic system over sequences of stimuli.

    Parameters
    ----------
    x : Tensor, shape (n, T, k)
        Stimuli, at least 0, dimensionless.
    thalamus : Tensor, shape (n, T)
        Thalamic signal :math:`\theta`, dimensionless.
    weights : RecurrentWeights
        Weights.
    n_outputs : int
        Number q of outputs.
    gain : Tensor, shape (3,), optional
        Factors on A, O and F where they arise (0 is a lesion); 1 by default.

    Returns
    -------
    RecurrentActivity
        One row a sequence and window; window t depends on windows up to t of its own sequence only.
    """
    n, length, _ = x.shape
    driven = x @ weights.W_x.T
    h, states = x.new_zeros(n, weights.W_h.shape[0]), []
    for t in range(length):
        h = torch.tanh(driven[:, t] + h @ weights.W_h.T)
        states.append(h)
    hidden = torch.stack(states, dim=1)
    amygdala, orbitofrontal, prefrontal = (1.0, 1.0, 1.0) if gain is None else gain.to(x.dtype)
    excited = amygdala * F.relu(torch.cat([hidden, thalamus.unsqueeze(2)], dim=2) @ weights.W_A.T)
    inhibited = orbitofrontal * F.relu(hidden @ weights.W_O.T)
    controlled = prefrontal * inhibited * torch.tanh(hidden @ weights.W_C.T)
    a, o, f = (
        nodes.reshape(n, length, -1, n_outputs).sum(dim=2) for nodes in (excited, inhibited, controlled)
    )
    return RecurrentActivity(a - o - f, a, o, f, hidden)


def recurrent_loss(said: RecurrentActivity, rewards: Tensor) -> Tensor:
    r"""Return what back-propagation lessens: the error of the emotion, and what the amygdala falls short of.

    :math:`\overline{(E - R)^2 + \max(0, R - \sum A)^2}` over outputs. The second term is the amygdala's own
    reinforcement: minus half its gradient by a weight of A is Eq. 18 for that weight. It keeps the two
    pathways apart, as excitation has to reach the reward and inhibition to take away only what is too much.

    Parameters
    ----------
    said : RecurrentActivity
        Activity, (n, T, q) each.
    rewards : Tensor, shape (n, T, q)
        Rewards R.

    Returns
    -------
    Tensor, shape (n, T)
        Loss of each window, in squared units of the reward.
    """
    error = (said.emotion - rewards) ** 2
    shortfall = (rewards - said.amygdala).clamp(min=0.0) ** 2
    return (error + shortfall).mean(dim=2)


class RecurrentLimbic(nn.Module):
    """Thalamus, amygdala, orbitofrontal and prefrontal cortex as a recurrent network over windows.

    The equations are those of the module's page. Weights start uniform within +-1/sqrt(fan in).

    Parameters
    ----------
    n_in, hidden, n_outputs : int
        Length k of a stimulus, units of the hidden layer, outputs q.
    nodes : int
        Nodes of FC_A, and of FC_O, for each output.
    kappa : float
        Gain of the thalamic path, dimensionless; the published thalamus does not use it.
    published : bool
        Whether the thalamus is random, as the paper says.

    Raises
    ------
    ValueError
        If a size is below 1.

    Examples
    --------
    >>> limbic = RecurrentLimbic(32, 16, 5)
    >>> said = limbic(torch.rand(2, 4, 32), torch.tensor([4, 3]))
    >>> said.emotion.shape, said.emotion[1, 3].tolist()  # beyond the end of the second sequence
    (torch.Size([2, 4, 5]), [0.0, 0.0, 0.0, 0.0, 0.0])
    """

    def __init__(
        self,
        n_in: int,
        hidden: int,
        n_outputs: int,
        *,
        nodes: int = 8,
        kappa: float = 0.25,
        published: bool = False,
    ) -> None:
        super().__init__()
        for name, size in {"n_in": n_in, "hidden": hidden, "n_outputs": n_outputs, "nodes": nodes}.items():
            if size < 1:
                raise ValueError(f"{name} must be at least 1, got {size}")
        self.n_outputs = n_outputs
        self.kappa = kappa
        self.published = published
        self.input = nn.Linear(n_in, hidden, bias=False)
        self.context = nn.Linear(hidden, hidden, bias=False)
        self.fc_a = nn.Linear(hidden + 1, nodes * n_outputs, bias=False)
        self.fc_o = nn.Linear(hidden, nodes * n_outputs, bias=False)
        self.control = nn.Linear(hidden, nodes * n_outputs, bias=False)

    def weights(self) -> RecurrentWeights:
        """Return the weights of all layers."""
        layers = (self.input, self.context, self.fc_a, self.fc_o, self.control)
        return RecurrentWeights(*(layer.weight for layer in layers))

    def forward(
        self,
        x: Tensor,
        lengths: Tensor | None = None,
        *,
        gain: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> RecurrentActivity:
        """Feel through sequences.

        Parameters
        ----------
        x : Tensor, shape (n, T, k)
            Stimuli, at least 0; whatever lies beyond the end of a sequence is not looked at.
        lengths : Tensor of int, shape (n,), optional
            Number of windows of each sequence; T by default.
        gain : Tensor, shape (3,), optional
            Factors on amygdala, orbitofrontal and prefrontal cortex (0 is a lesion).
        generator : torch.Generator, optional
            Source of the published thalamus; by default torch's own.

        Returns
        -------
        RecurrentActivity
            Activity of every window; 0 beyond the end of its sequence.

        Raises
        ------
        ValueError
            If the shapes do not fit.
        """
        if x.ndim != 3 or x.shape[2] != self.input.in_features:
            raise ValueError(f"x must have shape (n, T, {self.input.in_features}), got {tuple(x.shape)}")
        n, length, _ = x.shape
        if self.published:
            # One signal for all sequences: what is felt at one does not depend on its company.
            thalamus = torch.rand(length, generator=generator).to(x).expand(n, length)
        else:
            thalamus = self.kappa * x.amax(dim=2)
        said = recurrent_limbic(x, thalamus, self.weights(), n_outputs=self.n_outputs, gain=gain)
        if lengths is None:
            return said
        if lengths.shape != (n,):
            raise ValueError(f"lengths must have shape ({n},), got {tuple(lengths.shape)}")
        inside = torch.arange(length, device=x.device) < lengths.unsqueeze(1)
        return RecurrentActivity(*(torch.where(inside.unsqueeze(2), part, 0.0) for part in said))
