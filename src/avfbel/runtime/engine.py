"""The trained network at work: measured windows in, emotion and the activity of every region out."""

from __future__ import annotations

from collections.abc import Sequence
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
        self._session = _session(self.bundle)
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
        evidence = np.array([(window.g_audio, window.g_video) for window in windows], np.float32)
        feed = {
            "maps": np.stack([window.maps for window in windows]).astype(np.float32, copy=False),
            "acoustic": np.stack([window.acoustic for window in windows]).astype(np.float32),
            "evidence": evidence,
            **self._weights,
        }
        try:
            output = self._session.run(list(_OUTPUTS), feed)
        except Exception as error:  # onnxruntime's errors have no common public base
            raise InputError(
                f"the network of the bundle {self.bundle.source} refuses its inputs: train the model again"
            ) from error
        emotion, regions, gates, x_fused = (np.asarray(values, dtype=np.float64) for values in output)
        if not all(np.isfinite(values).all() for values in (emotion, regions, gates, x_fused)):
            raise InputError(
                f"the network of the bundle {self.bundle.source} gives numbers that are not finite: "
                "train the model again"
            )
        emotion[~(evidence > 0).any(axis=1)] = 0.0
        return Prediction(emotion, regions, gates, x_fused)


def _session(bundle: Bundle) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4  # what goes wrong is raised, and said once
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
