"""Virtual lesions: a bundle with regions or pathways silenced, or their output made weaker or stronger.

A region's gain is a factor on what leaves it, an input of the network: 1 is the region as it was trained, 0 a
lesion. Three pathways that are no region can be scaled as well: sound and sight by the evidence that a window
gives to the sense, and, where the model has no thalamus among its regions, the thalamic path by its weights
T. Neither torch nor onnx is needed.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avfbel.brain.regions import POPULATIONS, VISUAL_AREAS
from avfbel.errors import UsageError
from avfbel.runtime.bundle import WEIGHTS, Bundle

SENSE_OF = {"sound": "audio", "sight": "video"}
"""Pathways that are scaled where they enter, and the senses that they are."""

THALAMUS = "thalamus"
"""The short way from the fused code into the amygdala."""

GROUPS = {
    "visual cortex": VISUAL_AREAS,
    "auditory cortex": POPULATIONS,
    "limbic system": (THALAMUS, "amygdala", "orbitofrontal", "prefrontal"),
}
"""Names that stand for several regions at once."""

ALL = "all"
"""The name that stands for every region and pathway, one after the other."""


@dataclass(frozen=True, kw_only=True)
class Lesion:
    """What is scaled together, and by how much.

    Attributes
    ----------
    name : str
        What it is called: "V1", "visual cortex", "V1 + amygdala".
    targets : tuple of str
        Regions and pathways that are scaled, in the order of the circuit.
    gain : float
        Factor on the output of each, at least 0: 0 silences, 1 changes nothing.
    """

    name: str
    targets: tuple[str, ...]
    gain: float = 0.0

    @property
    def gains(self) -> dict[str, float]:
        """Factor of each target, as `lesioned` takes them."""
        return dict.fromkeys(self.targets, self.gain)


def targets_of(bundle: Bundle) -> tuple[str, ...]:
    """Return all that can be scaled in a bundle: sound, sight, its regions, and the thalamus.

    Examples
    --------
    >>> targets_of(Bundle.open())[:3]
    ('sound', 'sight', 'V1')
    """
    regions = bundle.regions
    return (*SENSE_OF, *regions, *(() if THALAMUS in regions else (THALAMUS,)))


def plan_lesions(
    bundle: Bundle,
    names: Sequence[str] = (ALL,),
    *,
    gains: Sequence[float] = (0.0,),
    each: bool = False,
) -> tuple[Lesion, ...]:
    """Lay out lesions by the names of what is to be scaled.

    Parameters
    ----------
    bundle : Bundle
        The model; its regions decide which names there are.
    names : sequence of str
        Regions, pathways (sound, sight, thalamus) and groups of `GROUPS`, upper or lower case, with blanks,
        hyphens or underscores; ``"all"`` stands for all of `targets_of`, one after the other. Several names
        are scaled together, once each however often they are named.
    gains : sequence of float
        Factors, at least 0; with several, each lesion is made at each of them.
    each : bool
        Whether several names are scaled one after the other instead.

    Returns
    -------
    tuple of Lesion
        By name, then by gain.

    Raises
    ------
    UsageError
        If the model has no such region, "all" is not alone, or a gain is negative or not finite.

    Examples
    --------
    >>> plan_lesions(Bundle.open(), ["Visual-Cortex"])
    (Lesion(name='visual cortex', targets=('V1', 'V2', 'V4', 'IT'), gain=0.0),)
    """
    if not names or not gains:
        raise UsageError("a lesion needs a region and a gain: name at least one of each")
    for gain in gains:
        _check_gain(gain)
    known = _known(bundle)
    if any(_key(name) == ALL for name in names):
        if len(names) > 1:
            raise UsageError("'all' stands for every region one after the other: name it alone")
        names, each = targets_of(bundle), True
    found = dict([_find(name, known, bundle) for name in names])
    if not each:
        together = set[str]().union(*found.values())
        found = {" + ".join(found): tuple(of for of in targets_of(bundle) if of in together)}
    return tuple(
        Lesion(name=name, targets=targets, gain=float(gain))
        for name, targets in found.items()
        for gain in gains
    )


def lesioned(bundle: Bundle, gains: Mapping[str, float]) -> Bundle:
    """Return a bundle in which regions or pathways are silenced or scaled.

    `Stream`, `Predictor` and `analyze` use it like any other. Its card says what was done (``lesions``), has
    a digest of its own, and claims no figures: those were the intact model's.

    Parameters
    ----------
    bundle : Bundle
        The model, lesioned before or not: factors multiply.
    gains : mapping of str to float
        Factor, at least 0, by region or pathway (`targets_of`) or group (`GROUPS`).

    Returns
    -------
    Bundle
        The lesioned model; with factors of 1 alone, the bundle itself.

    Raises
    ------
    UsageError
        If the model has no such region, a factor is negative or not finite, or sound or sight is to be scaled
        by something else than 0 or 1: what is not sensed at full strength is a matter of the windows, which
        `lesion_study` scales.

    Notes
    -----
    A model without sound (or sight) no longer has that sense: `Bundle.senses` lacks it, and `Stream` and
    `analyze` give it no evidence. `Predictor.predict` takes the evidence that it is given.

    Examples
    --------
    >>> blind = lesioned(Bundle.open(), {"sight": 0.0})
    >>> blind.senses
    ('audio',)
    """
    known = _known(bundle)
    factors: dict[str, float] = {}
    for name, factor in gains.items():
        _check_gain(factor)
        for target in _find(name, known, bundle)[1]:
            factors[target] = factors.get(target, 1.0) * float(factor)
    factors = {target: factors[target] for target in targets_of(bundle) if factors.get(target, 1.0) != 1.0}
    if not factors:
        return bundle
    weights = _scaled(bundle, factors)
    card = _card(bundle, factors, weights)
    return replace(
        bundle,
        source=f"{bundle.source}, lesioned",
        card=card,
        weights=weights,
        sha256=hashlib.sha256(json.dumps(card).encode()).hexdigest(),
    )


def evidence_gains(lesion: Lesion) -> NDArray[np.float64]:
    """Return the factors on the evidence of sound and of sight, shape (2,)."""
    return np.array([lesion.gains.get(pathway, 1.0) for pathway in SENSE_OF])


def _scaled(bundle: Bundle, factors: Mapping[str, float]) -> dict[str, NDArray[np.float32]]:
    """Return the weights of a bundle with the gains of regions, or the thalamic weights, multiplied."""
    weights = dict(bundle.weights)
    gain = weights["gain"].copy()
    for target, factor in factors.items():
        if target in bundle.regions:
            gain[bundle.regions.index(target)] *= np.float32(factor)
        elif target == THALAMUS:
            weights["T"] = weights["T"] * np.float32(factor)
        elif factor != 0:
            raise UsageError(
                f"{target} can be silenced in a bundle, not scaled by {factor:g}: scale it with lesion_study"
            )
    return {**weights, "gain": gain}


def _card(
    bundle: Bundle, factors: Mapping[str, float], weights: Mapping[str, NDArray[np.float32]]
) -> dict[str, Any]:
    """Return a card that says what was done to the model, and no longer how well it predicts."""
    from safetensors.numpy import save

    before = bundle.card.get("lesions", {})
    done = {
        target: before.get(target, 1.0) * factors.get(target, 1.0)
        for target in targets_of(bundle)
        if target in before or target in factors
    }
    lost = {SENSE_OF[target] for target in factors if target in SENSE_OF}
    digest = hashlib.sha256(save(dict(weights))).hexdigest()
    return {
        **bundle.card,
        "lesioned_from": bundle.card.get("lesioned_from", bundle.sha256),
        "lesions": done,
        "kinds": [sense for sense in bundle.senses if sense not in lost] if lost else _kinds(bundle),
        "metrics": {},
        "sha256": {**bundle.card["sha256"], WEIGHTS: digest},
    }


def _kinds(bundle: Bundle) -> list[str]:
    return list(bundle.card.get("kinds", ["fused"]))


def _known(bundle: Bundle) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return name and targets of all that can be named, by the name in its plainest form."""
    targets = targets_of(bundle)
    named: dict[str, tuple[str, ...]] = {target: (target,) for target in targets}
    for group, members in GROUPS.items():
        present = tuple(target for target in targets if target in members)
        if present:
            named[group] = present
    return {_key(name): (name, of) for name, of in named.items()}


def _find(
    name: str, known: Mapping[str, tuple[str, tuple[str, ...]]], bundle: Bundle
) -> tuple[str, tuple[str, ...]]:
    if _key(name) not in known:
        *most, last = (shown for shown, _ in known.values())
        near = [known[key][0] for key in get_close_matches(_key(name), known, n=2)]
        meant = f"did you mean {' or '.join(near)}? Otherwise, choose" if near else "choose"
        raise UsageError(
            f"the model {bundle.name} has no region {name!r}: {meant} from {', '.join(most)} and {last}"
        )
    return known[_key(name)]


def _key(name: str) -> str:
    return " ".join(name.lower().replace("-", " ").replace("_", " ").split())


def _check_gain(gain: float) -> None:
    if not (math.isfinite(gain) and gain >= 0):
        raise UsageError(f"a gain is a factor of at least 0, got {gain:g}: 0 silences, 1 changes nothing")
