"""Online personalisation: a bundle learns on from a few ratings of one person, without torch.

The cortex stays as it is: what a clip looks and sounds like is the same for everybody. Amygdala and
orbitofrontal cortex learn on by their local rule, in the order of the ratings and at the constant rates of
the model.

A rating counts once, however long its clip is. Window i of a clip is a step at the rates times

.. code-block:: text

    s_i = w_i / sum_j w_j        w = the greater evidence of the two senses, as in the mean of the clip

so that the steps of a clip add up to one at the full rates. Full steps for each window would show the rating
as many times as there are windows, which harms what is predicted of the person (`benchmarks/personalised.py`
measures it). Shares of the evidence, not equal ones, because the mean over windows that speaks for the clip
is weighted so: a window that perceives nearly nothing answers for nearly nothing, and learns as little.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avfbel._version import __version__
from avfbel.brain.limbic import LESIONS, LimbicParameters, LimbicState, limbic_output, limbic_step
from avfbel.data.dataset import Dataset, load_dataset
from avfbel.data.manifest import read_manifest
from avfbel.data.targets import KINDS
from avfbel.emotion import EMOTIONS, predicted_epp
from avfbel.errors import InputError, UsageError
from avfbel.runtime.bundle import CARD, MODEL, WEIGHTS, Bundle
from avfbel.runtime.bundle_folder import check_destination, whole_folder
from avfbel.runtime.engine import Predictor
from avfbel.runtime.fold import digest

Array = NDArray[np.float64]

_FIGURES = ("metrics", "training_mse")  # what a card says of how well its weights predict


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class Adaptation:
    """An adapted bundle, and what adapting it did to the clips it was adapted to.

    Attributes
    ----------
    bundle : Bundle
        The adapted model.
    media : ndarray of str, shape (n,)
        The rated clips, as the ratings name them.
    rated, before, after : ndarray, shape (n,)
        Their EPP as rated (NaN where only other things were), and as predicted before and after. The latter
        says how closely the ratings were learned, not how well new clips are predicted.
    """

    bundle: Bundle
    media: NDArray[np.str_]
    rated: Array
    before: Array
    after: Array

    def save(self, out: str | PathLike[str]) -> Path:
        """Write the adapted bundle into a folder, whole or not at all.

        Parameters
        ----------
        out : path
            Folder; a bundle that it holds is replaced.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        UsageError
            If it holds something else than a bundle, or cannot be written.
        """
        check_destination(Path(out))
        with whole_folder(Path(out)) as fresh:
            for name, content in _contents(self.bundle.network, self.bundle.weights).items():
                (fresh / name).write_bytes(content)
            (fresh / CARD).write_bytes(_card_bytes(self.bundle.card))
        return Path(out)


def adapt(
    ratings: str | PathLike[str],
    *,
    model: str | PathLike[str] | Bundle = "default",
    rate: float = 1.0,
    jobs: int | None = None,
    progress: Callable[[str, int, int], object] | None = None,
) -> Adaptation:
    """Let a bundle learn on from a person's ratings.

    A rating holds for a clip as it is, seen and heard; every window of it is a step of learning towards the
    five emotions that were rated, or, where only EPP or valence was, towards the mixture with that positivity
    that claims least (`avfbel.data.rewards_from`). The steps of a clip share one step at the full rates by
    their evidence, so that the clip counts once whatever its length; rated by several people, it counts once
    with their mean.

    Parameters
    ----------
    ratings : path
        The manifest of the rated clips; see `avfbel.data.read_manifest`.
    model : str, path or Bundle
        The trained model; see `Bundle.open`.
    rate : float
        Factor on the model's own learning rates: 1 is a step of training for each clip.
    jobs : int, optional
        Processes to measure the clips; by default one a core.
    progress : callable, optional
        Called with what is being done, how many steps of it are done, and how many there are.

    Returns
    -------
    Adaptation
        The adapted bundle, not yet written, with a card that claims no figures or intervals of the weights
        before. The same bundle, ratings and clips give the same bytes.

    Raises
    ------
    InputError
        If the bundle or a clip cannot be used.
    UsageError
        If there are no ratings, none of a clip that the model perceives, or the rate is out of bounds.
    """
    bundle = Bundle.open(model)
    learning = learning_parameters(bundle, rate)
    path = Path(ratings).absolute()
    if not path.is_file():
        raise UsageError(
            f"no ratings at {ratings}: give a CSV file with the column media, and epp, valence or emotions"
        )
    n_ratings = len(read_manifest(path).rows)
    data = load_dataset(path, jobs=jobs, progress=progress)
    rewards = _rewards(data)
    evidence = data.evidence * [sense in bundle.senses for sense in ("audio", "video")]
    rated = np.array(np.isfinite(rewards).all(axis=1))
    rows = np.flatnonzero((evidence > 0).any(axis=1) & rated[data.clip])
    if not len(rows):
        raise UsageError(f"{path.name} rates no clip in which {bundle.name} perceives sound or movement")
    codes = _fused_codes(bundle, data, evidence, rows)
    before = _state(bundle)
    clips, weight = data.clip[rows], evidence[rows].max(axis=1)
    after = _learn(before, codes, rewards[clips], _shares(clips, weight), learning)
    step = {
        "ratings": n_ratings,
        "ratings_sha256": digest(path),
        "clips": len(np.unique(clips)),
        "windows": len(rows),
        "rate": float(rate),
    }
    adapted = _adapted(bundle, after, step)
    said = [
        _clip_means(predicted_epp(limbic_output(state, codes, learning).emotion), clips, weight)
        for state in (before, _state(adapted))
    ]
    shown = np.unique(clips)
    wanted = np.array([_rated_epp(data, clip) for clip in shown])
    return Adaptation(
        bundle=adapted, media=data.clip_media[shown], rated=wanted, before=said[0], after=said[1]
    )


def learning_parameters(bundle: Bundle, rate: float = 1.0) -> LimbicParameters:
    """Return the rule of a bundle with its rates times `rate`.

    Parameters
    ----------
    bundle : Bundle
        The trained model.
    rate : float
        Factor on the rates of amygdala, orbitofrontal and prefrontal cortex.

    Raises
    ------
    InputError
        If the card does not say how the model learns, or a limbic region is neither intact nor lesioned.
    UsageError
        If `rate` is not above 0, or so large that a step would overshoot.
    """
    card = bundle.card.get("parameters")
    names = ("rule", "alpha", "beta", "kappa", "gamma")
    if not isinstance(card, dict) or not set(names) <= set(card):
        raise InputError(f"the card of the bundle {bundle.source} lacks 'parameters': train the model again")
    parameters = LimbicParameters(**{name: card[name] for name in names})
    highest = 1 / max(parameters.alpha, parameters.beta, parameters.gamma, 1e-12)
    if not 0 < rate < highest:
        raise UsageError(
            f"the rate is a factor above 0 and below {highest:.4g} for {bundle.name}, got {rate:g}: "
            "1 is the rate of training"
        )
    gain = dict(zip(bundle.regions, bundle.weights["gain"].tolist(), strict=True))
    if any(gain[region] not in (0.0, 1.0) for region in LESIONS):
        raise InputError(
            f"the gain of a limbic region of the bundle {bundle.source} is neither 0 nor 1: "
            "adapt the model first and change gains afterwards"
        )
    return replace(
        parameters,
        alpha=rate * parameters.alpha,
        beta=rate * parameters.beta,
        gamma=rate * parameters.gamma,
        lesions=frozenset(region for region in LESIONS if gain[region] == 0.0),
    )


def _state(bundle: Bundle) -> LimbicState:
    return LimbicState(*(bundle.weights[name].astype(np.float64) for name in LimbicState._fields))


def _rewards(data: Dataset) -> Array:
    """Return what was felt at each clip, (n_clips, 5); NaN where there is neither sound nor picture."""
    rewards = np.full((data.n_clips, len(EMOTIONS)), np.nan)
    for kind in KINDS:
        known = data.targets[kind].rewards
        rewards = np.where(np.isnan(rewards), known, rewards)
    return rewards


def _rated_epp(data: Dataset, clip: int) -> float:
    """Return the EPP of a clip as rated; NaN if only its valence was, or nothing was felt."""
    known = [float(data.targets[kind].epp[clip]) for kind in KINDS]
    return next((epp for epp in known if np.isfinite(epp)), np.nan)


def _fused_codes(bundle: Bundle, data: Dataset, evidence: Array, rows: NDArray[np.intp]) -> Array:
    """Return the fused codes (n, k) of windows, one at a time, as an analysis would have them."""
    predictor = Predictor(bundle)
    codes = [
        predictor.predict_arrays(data.maps[[row]], data.acoustic[[row]], evidence[[row]]).x_fused[0]
        for row in rows
    ]
    return np.array(codes)


def _shares(clips: NDArray[np.intp], weight: Array) -> Array:
    """Return what each window is of its clip's weight, shape (n,); those of a clip add up to 1."""
    shares: Array = weight / np.bincount(clips, weight)[clips]
    return shares


def _learn(
    state: LimbicState, codes: Array, rewards: Array, shares: Array, learning: LimbicParameters
) -> LimbicState:
    """Take a step for each window, at the rates times its share."""
    for code, reward, share in zip(codes, rewards, shares.tolist(), strict=True):
        state, _ = limbic_step(state, code, reward, learning, rate=share)
    return state


def _clip_means(values: Array, clips: NDArray[np.intp], weight: Array) -> Array:
    """Return the mean of each clip over its windows, weighted by their evidence, in the order of clips."""
    _, clip = np.unique(clips, return_inverse=True)
    return np.bincount(clip, weight * values) / np.bincount(clip, weight)


def _adapted(bundle: Bundle, state: LimbicState, step: dict[str, Any]) -> Bundle:
    """Return a bundle with other limbic weights, and a card that says where they come from."""
    weights = {name: array.astype(np.float32) for name, array in state._asdict().items()}
    if not all(np.isfinite(array).all() for array in weights.values()):
        raise UsageError(f"learning diverged: adapt with a lower rate than {step['rate']:g}")
    weights["gain"] = bundle.weights["gain"]
    # Intervals were calibrated on held-out errors of the weights before: they say nothing of others.
    kept = {name: entry for name, entry in bundle.card.items() if name != "intervals"}
    card = {
        **kept,
        "adapted_from": bundle.sha256,
        "adapted_with": __version__,
        "adaptations": [*bundle.card.get("adaptations", []), {"from": bundle.sha256, **step}],
        # Figures are those of the weights before the first adaptation; the present ones have earned none.
        **{
            f"{name}_before_adaptation": bundle.card.get(f"{name}_before_adaptation", bundle.card.get(name))
            for name in _FIGURES
        },
        "metrics": {},
        "training_mse": None,
    }
    contents = _contents(bundle.network, weights)
    card["sha256"] = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    return Bundle(
        source=f"{bundle.source}, adapted",
        card=card,
        weights=weights,
        network=bundle.network,
        sha256=hashlib.sha256(_card_bytes(card)).hexdigest(),
    )


def _contents(network: bytes, weights: Mapping[str, NDArray[np.float32]]) -> dict[str, bytes]:
    """Return the files of a bundle, but for its card."""
    from safetensors.numpy import save

    return {MODEL: network, WEIGHTS: save(dict(weights))}


def _card_bytes(card: Mapping[str, Any]) -> bytes:
    return (json.dumps(card, indent=1, allow_nan=False) + "\n").encode()


def refuse_same_folder(bundle: Bundle, out: str | PathLike[str]) -> None:
    """Raise UsageError if a bundle would be written over the one that it comes from."""
    shipped = str(files("avfbel") / "bundles" / "default")
    if Path(out).resolve() == Path(shipped if bundle.source == "default" else bundle.source).resolve():
        raise UsageError(f"{out} is the bundle to be adapted: name another folder for the adapted one")
