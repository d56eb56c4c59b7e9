"""The trained network at work: measured windows in, emotion and the activity of every region out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.errors import InputError
from avfbel.runtime.bundle import WEIGHT_NAMES, Bundle

if TYPE_CHECKING:
    from os import PathLike

    from avfbel.senses.features import SensoryFeatures

_INPUTS = ("maps", "acoustic", "evidence", *WEIGHT_NAMES)
_OUTPUTS = ("emotion", "regions", "gates", "x_fused")


class Prediction(NamedTuple):
    """What the network makes of n windows."""

    emotion: NDArray[np.float64]  # (n, 5) emotional output E, unit rating / 127, negative values not yet cut
    regions: NDArray[np.float64]  # (n, n_regions) activity, in the order of the bundle's regions
    gates: NDArray[np.float64]  # (n, 2) mean attention gates, audio and video
    x_fused: NDArray[np.float64]  # (n, k) input of amygdala and orbitofrontal cortex


class Predictor:
    """A bundle's network, ready to run on the processor.

    It runs in one thread, so that equal input gives equal output to the last bit, on busy machines too.

    Parameters
    ----------
    bundle : str, path or Bundle
        The trained model; see `Bundle.open`.

    Raises
    ------
    InputError
        If the bundle cannot be used.
    """

    def __init__(self, bundle: str | PathLike[str] | Bundle = "default") -> None:
        self.bundle = Bundle.open(bundle)
        self._session = open_session(self.bundle)
        self._weights = dict(self.bundle.weights)

    def predict(self, windows: Sequence[SensoryFeatures]) -> Prediction:
        """Run the network on measured windows.

        Parameters
        ----------
        windows : sequence of SensoryFeatures
            One or more windows.

        Returns
        -------
        Prediction
            Emotional output, regions, gates and fused vector of each window. Where neither sense has
            evidence, the emotional output is 0: nothing sensed, nothing felt.

        Raises
        ------
        InputError
            If the network gives a value that is not finite.
        """
        return self.predict_arrays(
            np.stack([window.maps for window in windows]),
            np.stack([window.acoustic for window in windows]),
            np.array([(window.g_audio, window.g_video) for window in windows]),
        )

    def predict_arrays(
        self,
        maps: NDArray[np.floating[Any]],
        acoustic: NDArray[np.floating[Any]],
        evidence: NDArray[np.floating[Any]],
    ) -> Prediction:
        """Run the network on measured windows that are given as arrays; results and errors of `predict`.

        Parameters
        ----------
        maps, acoustic, evidence : ndarray, shapes (n, 5, 64, 64), (n, 7), (n, 2)
            As `SensoryFeatures` has them; the evidence is that of sound and of picture.
        """
        feed = {
            "maps": maps.astype(np.float32, copy=False),
            "acoustic": acoustic.astype(np.float32),
            "evidence": evidence.astype(np.float32),
            **self._weights,
        }
        output = run_session(self._session, _OUTPUTS, feed, self.bundle.source)
        emotion, regions, gates, x_fused = output
        emotion[~(feed["evidence"] > 0).any(axis=1)] = 0.0
        return Prediction(emotion, regions, gates, x_fused)


def run_session(
    session: Any, outputs: Sequence[str], feed: Mapping[str, NDArray[Any]], source: str
) -> list[NDArray[np.float64]]:
    """Run a bundle's network and return the outputs that are named, in float64.

    Raises
    ------
    InputError
        If the network refuses its inputs or gives a value that is not finite.
    """
    try:
        output = session.run(list(outputs), dict(feed))
    except Exception as error:  # onnxruntime's errors have no common public base
        raise InputError(
            f"the network of the bundle {source} refuses its inputs: train the model again"
        ) from error
    values = [np.asarray(value, dtype=np.float64) for value in output]
    if not all(np.isfinite(value).all() for value in values):
        raise InputError(
            f"the network of the bundle {source} gives numbers that are not finite: train the model again"
        )
    return values


def open_session(bundle: Bundle, *, reuse_buffers: bool = True) -> Any:
    """Load a bundle's network into onnxruntime, on one thread, and check it against its card.

    Parameters
    ----------
    bundle : Bundle
        The trained model.
    reuse_buffers : bool
        Whether results that are no longer needed are overwritten. Without, inputs whose first axis is 1 serve
        all rows of the others.

    Raises
    ------
    InputError
        If the network cannot be loaded or lacks something.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4  # what goes wrong is raised, and said once
    options.enable_mem_reuse = options.enable_mem_pattern = reuse_buffers
    try:
        session = onnxruntime.InferenceSession(bundle.network, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common public base
        raise InputError(
            f"the network of the bundle {bundle.source} cannot be loaded: train the model again"
        ) from error
    inputs = {value.name for value in session.get_inputs()}
    outputs = {value.name: value.shape for value in session.get_outputs()}
    lacking = sorted((set(_INPUTS) - inputs) | (set(_OUTPUTS) - set(outputs)))
    if lacking:
        raise InputError(
            f"the network of the bundle {bundle.source} lacks {', '.join(lacking)}: train the model again"
        )
    n_regions = outputs["regions"][-1]
    if isinstance(n_regions, int) and n_regions != len(bundle.regions):
        raise InputError(
            f"the card of the bundle {bundle.source} names {len(bundle.regions)} regions and its network "
            f"gives {n_regions}: train the model again"
        )
    return session
