"""What every unit of a model does at every stimulus: the codes that representations are compared by."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avfbel.brain.limbic import LimbicParameters, LimbicState, limbic_output
from avfbel.brain.regions import POPULATIONS, VISUAL_AREAS
from avfbel.errors import UsageError
from avfbel.interpret.trained_network import trained_network
from avfbel.runtime.bundle import Bundle
from avfbel.runtime.engine import Predictor
from avfbel.senses.features import SensoryFeatures

if TYPE_CHECKING:
    from avfbel.brain.auditory_cortex import AuditoryCortex
    from avfbel.brain.visual_cortex import VisualCortex
    from avfbel.data.dataset import Dataset

Array = NDArray[np.float64]
Codes = dict[str, Array]

OPEN = {"heard": (1.0, 0.0), "seen": (0.0, 1.0), "both": (1.0, 1.0)}
"""Which senses are open when a stimulus is only heard, only seen, or both."""

_SENSE_OF_AREAS = {"heard": POPULATIONS, "seen": VISUAL_AREAS}
_BATCH = 64


def unit_activity(
    bundle: str | PathLike[str] | Bundle, dataset: Dataset, perceived: str = "both"
) -> dict[str, Array]:
    """Return the activity of every unit of every region at every stimulus.

    Units are the positions and planes of the visual areas, the neurons of the auditory populations (spikes
    per 10 ms), the fused code for aSTG, and the five emotions' parts of the limbic regions; a region of which
    no units are known here has one, its activity.

    Parameters
    ----------
    bundle : str, path or Bundle
        The trained model.
    dataset : Dataset
        Measured clips.
    perceived : {"heard", "seen", "both"}
        Which senses are open.

    Returns
    -------
    dict of ndarray, shape (n_stimuli, n_units)
        By region, in the order of the bundle; stimuli in alphabetical order. Means over windows of a clip,
        and over clips of a stimulus. A cortex whose sense is closed is left out: it is silent.

    Raises
    ------
    ImportError
        If torch or onnx is not installed.
    InputError
        If the bundle cannot be used.
    UsageError
        If `perceived` is another word.
    """
    if perceived not in OPEN:
        raise UsageError(f"stimuli are {', '.join(OPEN)}, not {perceived!r}")
    opened = Bundle.open(bundle)
    network = trained_network(opened)
    evidence = dataset.evidence * np.array(OPEN[perceived])
    found = _central_codes(opened, dataset, evidence)
    if perceived != "heard" and hasattr(network, "visual_cortex"):
        found |= visual_codes(network.visual_cortex, dataset, evidence[:, 1])
    if perceived != "seen" and hasattr(network, "auditory_cortex"):
        found |= auditory_codes(network.auditory_cortex, dataset, evidence[:, 0])
    shut = [sense for sense in _SENSE_OF_AREAS if perceived not in (sense, "both")]
    silent = {region for sense in shut for region in _SENSE_OF_AREAS[sense]}
    return {
        region: stimulus_means(found[region], dataset) for region in opened.regions if region not in silent
    }


def visual_codes(cortex: VisualCortex, dataset: Dataset, evidence: Array) -> Codes:
    """Return the activation maps of V1, V2, V4 and IT of all windows, flattened, times the evidence (n,)."""
    import torch

    parts: dict[str, list[Array]] = {name: [] for name in VISUAL_AREAS}
    with torch.no_grad():
        for rows in _batches(dataset.n_windows):
            maps = torch.from_numpy(dataset.maps[rows].astype(np.float32))
            areas = cortex.activations(maps)._asdict()
            for name, values in areas.items():
                flat = values.flatten(1).double().numpy()
                parts[name].append(flat * evidence[rows, None])
    return {name: np.concatenate(of) for name, of in parts.items()}


def auditory_codes(cortex: AuditoryCortex, dataset: Dataset, evidence: Array) -> Codes:
    """Return the spikes per 10 ms of all neurons of PYR, PV and SOM in all windows, with evidence (n,)."""
    import torch

    from avfbel.brain.auditory_cortex import POPULATION_SIZE

    acoustic, gates = (torch.from_numpy(of.astype(np.float32)) for of in (dataset.acoustic, evidence))
    with torch.no_grad():
        heard = cortex(acoustic, gates)
    spikes = heard.x_auditory.double().numpy()
    bounds = np.cumsum([POPULATION_SIZE[name] for name in POPULATIONS])[:-1]
    return dict(zip(POPULATIONS, np.split(spikes, bounds, axis=1), strict=True))


def stimulus_means(values: Array, dataset: Dataset) -> Array:
    """Return means of values (n_windows, m) over the windows of a clip, then over the clips of a stimulus."""
    of_clip = _means(values, dataset.clip, dataset.n_clips)
    names, place = np.unique(dataset.stimulus, return_inverse=True)
    return _means(of_clip, place, len(names))


def _means(values: Array, place: NDArray[np.intp], n: int) -> Array:
    total = np.zeros((n, values.shape[1]))
    np.add.at(total, place, values)
    return np.asarray(total / np.bincount(place, minlength=n)[:, None])


def _central_codes(bundle: Bundle, dataset: Dataset, evidence: Array) -> Codes:
    """Return what the network tells of its regions; aSTG and limbic regions unit by unit."""
    predictor = Predictor(bundle)
    regions, fused = [], []
    for rows in _batches(dataset.n_windows):
        said = predictor.predict(list(_windows(dataset, evidence, rows)))
        regions.append(said.regions)
        fused.append(said.x_fused)
    activity, x = np.concatenate(regions), np.concatenate(fused)
    found = {region: activity[:, [k]] for k, region in enumerate(bundle.regions)}
    weights = {name: values.astype(np.float64) for name, values in bundle.weights.items()}
    parameters = bundle.card.get("parameters", {})
    limbic = limbic_output(
        LimbicState(weights["V"], weights["T"], weights["U"], weights["W"]),
        x,
        LimbicParameters(kappa=float(parameters.get("kappa", LimbicParameters().kappa))),
    )
    parts = {"aSTG": x, **limbic._asdict()}
    return found | {region: parts[region] for region in bundle.regions if region in parts}


def _windows(dataset: Dataset, evidence: Array, rows: slice) -> Iterator[SensoryFeatures]:
    for k in range(rows.start, min(rows.stop, dataset.n_windows)):
        yield SensoryFeatures(
            start_s=float(dataset.start_s[k]),
            end_s=float(dataset.end_s[k]),
            start_frame=None,
            end_frame=None,
            visual=dataset.visual[k],
            acoustic=dataset.acoustic[k],
            maps=dataset.maps[k].astype(np.float32),
            g_audio=float(evidence[k, 0]),
            g_video=float(evidence[k, 1]),
        )


def _batches(n: int) -> Iterator[slice]:
    return (slice(start, start + _BATCH) for start in range(0, n, _BATCH))


def untrained_activity(
    bundle: str | PathLike[str] | Bundle, dataset: Dataset, perceived: str = "both", *, seed: int = 0
) -> dict[str, Array]:
    """Return the activity of both cortices as they are before they learn: what wiring alone makes of stimuli.

    The scales of their inputs are those of the bundle. Weights of the visual areas are drawn anew; the code
    of the auditory populations begins the same for any seed.

    Parameters
    ----------
    bundle, dataset, perceived
        As for `unit_activity`.
    seed : int
        Of the weights.

    Returns
    -------
    dict of ndarray, shape (n_stimuli, n_units)
        By region of the cortices whose sense is open.
    """
    import torch

    from avfbel.brain.auditory_cortex import AuditoryCortex
    from avfbel.brain.visual_cortex import VisualCortex

    network = trained_network(bundle)
    evidence = dataset.evidence * np.array(OPEN[perceived])
    found: Codes = {}
    if perceived != "heard":
        trained = network.visual_cortex
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            planes = len(trained.areas["V1"].state_dict()["bias"])
            eye = VisualCortex(width=planes, activation=trained.activation).eval()
        eye.scale.load_state_dict(trained.scale.state_dict())
        found |= visual_codes(eye, dataset, evidence[:, 1])
    if perceived != "seen":
        ear = AuditoryCortex(features=network.auditory_cortex.features).eval()
        ear.low.copy_(network.auditory_cortex.low)
        ear.high.copy_(network.auditory_cortex.high)
        found |= auditory_codes(ear, dataset, evidence[:, 0])
    return {region: stimulus_means(values, dataset) for region, values in found.items()}
