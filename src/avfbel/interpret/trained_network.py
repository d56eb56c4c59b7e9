"""The trained network with its gradients: from a bundle back to torch."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from avfbel.errors import InputError, UsageError
from avfbel.runtime.bundle import Bundle

if TYPE_CHECKING:
    from os import PathLike

    from torch import Tensor

    from avfbel.brain.network import Network

_OF_THE_GRAPH = "column_of_"  # numbers of the named outputs: nothing that was trained
_COUNTER = "num_batches_tracked"  # of training, not part of what the network computes


def trained_network(bundle: str | PathLike[str] | Bundle = "default") -> Network:
    """Rebuild the torch network of a bundle from the weights in its ``model.onnx``, ready to evaluate.

    The settings are those of the card, the weights are matched by name. Equal tensors are stored once in a
    graph; a weight that is still what every new network starts with may therefore be stored under another
    name.

    Parameters
    ----------
    bundle : str, path or Bundle
        The trained model; see `Bundle.open`.

    Returns
    -------
    Network
        In evaluation mode, equal to the network of the bundle to 1e-5 of an output's largest magnitude.

    Raises
    ------
    ImportError
        If torch or onnx is not installed.
    InputError
        If the bundle cannot be used, or its network has other weights than this version knows.

    Examples
    --------
    >>> network = trained_network()
    >>> network.training
    False
    """
    opened = Bundle.open(bundle)
    stored = stored_weights(opened)
    from avfbel.brain.network import Network  # needs torch, which the line above asks for

    known = inspect.signature(Network).parameters
    settings = {name: value for name, value in opened.card.get("parameters", {}).items() if name in known}
    try:
        network = Network(**settings).eval()
    except (TypeError, ValueError) as error:
        raise InputError(
            f"the card of the bundle {opened.source} describes no network that this version builds "
            f"({error}): train the model again"
        ) from error
    wanted = {name: value for name, value in network.state_dict().items() if not name.endswith(_COUNTER)}
    missing = [name for name in wanted if name not in stored and not _stored_elsewhere(wanted[name], stored)]
    faults = {
        "lacks": missing,
        "has the unknown": [name for name in stored if name not in wanted],
        "has another shape of": [
            name for name in wanted if name in stored and stored[name].shape != wanted[name].shape
        ],
    }
    found = [f"{fault} {', '.join(names)}" for fault, names in faults.items() if names]
    if found:
        raise InputError(
            f"the network of the bundle {opened.source} {'; it '.join(found)}: train the model again with "
            "this version of avfbel"
        )
    n_built, n_kept = len(network.naive_weights(1).V), len(opened.weights["V"])
    if n_built != n_kept:
        raise InputError(
            f"the limbic system of the bundle {opened.source} reads a code of {n_kept} units, that of this "
            f"version one of {n_built}: train the model again with this version of avfbel"
        )
    network.load_state_dict(stored, strict=False)
    return network


def limbic_inputs(bundle: Bundle) -> dict[str, Tensor]:
    """Return the learned limbic weights and the gains of a bundle as tensors, by name of the input."""
    import torch

    return {name: torch.from_numpy(values.copy()) for name, values in bundle.weights.items()}


def stored_weights(bundle: Bundle) -> dict[str, Tensor]:
    """Return the weights in the graph of a bundle, by name.

    Raises
    ------
    ImportError
        If torch or onnx is not installed.
    InputError
        If the graph cannot be read.
    """
    try:
        import onnx
        import torch
    except ImportError as error:
        raise ImportError(
            'gradients need torch and onnx: install them with `pip install "avfbel[train]"`'
        ) from error
    try:
        graph = onnx.load_model_from_string(bundle.network).graph
        arrays = {entry.name: onnx.numpy_helper.to_array(entry) for entry in graph.initializer}
    except Exception as error:  # what onnx raises on a damaged file has no common public base
        raise InputError(
            f"the network of the bundle {bundle.source} cannot be read: train the model again"
        ) from error
    return {
        name: torch.from_numpy(values.copy())
        for name, values in arrays.items()
        if not name.startswith(_OF_THE_GRAPH)
    }


def require_sight(network: Network, bundle: Bundle) -> None:
    """Raise UsageError unless the network sees feature maps through a visual cortex."""
    if "video" not in bundle.senses or not hasattr(network, "visual_cortex"):
        raise UsageError(
            f"the model {bundle.name} has no visual cortex, so no place in the picture means anything to it: "
            "name a model that sees"
        )


def _stored_elsewhere(value: Tensor, stored: dict[str, Tensor]) -> bool:
    import torch

    return any(torch.equal(value, other) for other in stored.values())
