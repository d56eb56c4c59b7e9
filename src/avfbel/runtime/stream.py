"""The one engine: frames and samples in, emotional positivity out, window by window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avfbel.emotion import EMOTIONS, Emotion
from avfbel.errors import UsageError
from avfbel.runtime.attribution import Attributor
from avfbel.runtime.bundle import Bundle
from avfbel.runtime.engine import Predictor
from avfbel.senses.features import ALL_ACOUSTIC, VISUAL_FEATURES, SensoryFeatures
from avfbel.senses.sensorium import Modality, Sensorium

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class WindowResult:
    """What the model makes of one window. EPP, valence and intensity follow from `emotion`.

    Attributes
    ----------
    index : int
        Number of the window in its clip, from 0.
    start_s, end_s : float
        Where it lies, in s from the start of the clip.
    start_frame, end_frame : int or None
        First and last picture in it, counted among all frames of the film.
    emotion : Emotion
        The five emotions, in units of rating / 127.
    evidence : bool
        Whether anything was seen or heard; without, EPP is 0.5.
    in_range : bool
        Whether what it rests on resembles what the model was trained on; see `within_ranges`.
    features : Mapping of str to float or None
        The twelve measured features; None for what could not be measured.
    regions : Mapping of str to float
        Activity of each modelled region.
    gate_audio, gate_video : float
        Mean attention gate of each branch of the temporal gyrus.
    g_audio, g_video : float
        Evidence gate of each sense, from 0 (nothing) to 1.
    epp_low, epp_high : float or None
        Bounds of the mean rating to be expected; None where the window is not in range, or the model has no
        calibrated intervals.
    attribution : Mapping of str to float, or None
        Contributions to EPP by name (see `avfbel.runtime.attribution`), if they were asked for.
    """

    index: int
    start_s: float
    end_s: float
    start_frame: int | None
    end_frame: int | None
    emotion: Emotion
    evidence: bool
    in_range: bool
    features: Mapping[str, float | None]
    regions: Mapping[str, float]
    gate_audio: float
    gate_video: float
    g_audio: float
    g_video: float
    epp_low: float | None = None
    epp_high: float | None = None
    attribution: Mapping[str, float] | None = None

    @property
    def epp(self) -> float:
        """Emotional positivity: 0 negative, 0.5 neutral, 1 positive."""
        return self.emotion.epp

    @property
    def valence(self) -> float:
        """Share of calm and happiness, in [0, 1]."""
        return self.emotion.valence

    @property
    def intensity(self) -> float:
        """How much is felt at all, in [0, 1]."""
        return self.emotion.intensity

    @property
    def weight(self) -> float:
        """What the window counts for in the clip: the larger of its two evidence gates."""
        return max(self.g_audio, self.g_video)

    def to_dict(self) -> dict[str, Any]:
        """Return the window as the JSON of `analyze` holds it."""
        return {
            "start_s": self.start_s,
            "end_s": self.end_s,
            "start_frame": self.start_frame,
            "end_frame": self.end_frame,
            "epp": self.epp,
            "epp_low": self.epp_low,
            "epp_high": self.epp_high,
            "valence": self.valence,
            "intensity": self.intensity,
            "evidence": self.evidence,
            "in_range": self.in_range,
            "emotions": {name: getattr(self.emotion, name) for name in EMOTIONS},
            "features": dict(self.features),
            "regions": dict(self.regions),
            "gates": {"audio": self.gate_audio, "video": self.gate_video},
            "evidence_gates": {"audio": self.g_audio, "video": self.g_video},
            **({} if self.attribution is None else {"attribution": dict(self.attribution)}),
        }


class Stream:
    """Predicts emotional positivity from frames and samples as they come.

    Every window is given as soon as it is complete: when each sense that is open has delivered up to its
    end. Close a sense that has no input (`close_audio`, `close_video`), or choose the other one by
    `modality`; otherwise a window waits for it for some seconds. Memory does not grow with the length.

    Parameters
    ----------
    bundle : str, path, Bundle or Predictor
        The trained model; see `Bundle.open`. A `Predictor` may serve any number of streams.
    window, hop : float
        Length of a window and distance of the starts of windows, in s.
    modality : {"both", "audio", "video"}
        The senses in use; what is pushed for the other one is ignored.
    attribution : bool
        Whether to tell where the EPP of each window comes from; takes longer than the prediction.

    Raises
    ------
    InputError
        If the bundle cannot be used, or lacks what attribution compares with.
    UsageError
        If a length is not positive, the modality is unknown or one that the model does not have.

    Examples
    --------
    A microphone, half a second at a time:

    >>> stream = Stream(modality="audio")  # doctest: +SKIP
    >>> for time_s, samples in microphone:  # doctest: +SKIP
    ...     for window in stream.push_audio(samples, 44100, time_s):
    ...         print(f"{window.end_s:.0f} s: {window.epp:.2f}")
    """

    def __init__(
        self,
        bundle: str | PathLike[str] | Bundle | Predictor = "default",
        *,
        window: float = 4.0,
        hop: float = 1.0,
        modality: Modality = "both",
        attribution: bool = False,
    ) -> None:
        self._senses = Sensorium(window=window, hop=hop, modality=modality)
        self._predictor = bundle if isinstance(bundle, Predictor) else Predictor(bundle)
        if modality != "both" and modality not in self.bundle.senses:
            raise UsageError(
                f"the model {self.bundle.name} has no sense for {modality}, only for "
                f"{self.bundle.senses[0]}: leave the modality out, or name another model"
            )
        self._attributor = Attributor(self.bundle) if attribution else None
        self._ranges = self.bundle.feature_ranges
        self._n_given = 0

    @property
    def bundle(self) -> Bundle:
        """The trained model in use."""
        return self._predictor.bundle

    def push_frame(
        self, rgb: NDArray[np.uint8], time_s: float, index: int | None = None
    ) -> list[WindowResult]:
        """Take one picture and return the windows that it completes.

        Parameters
        ----------
        rgb : ndarray, shape (height, width, 3), uint8
            The picture, upright.
        time_s : float
            When it is presented, in s from the start of the clip; not before the picture pushed last.
        index : int, optional
            Its number among all frames of the film; by default, the pictures pushed are counted.
        """
        return self._judge(self._senses.push_frame(rgb, time_s, index))

    def push_audio(
        self, samples: NDArray[np.floating[Any]], rate: float, time_s: float
    ) -> list[WindowResult]:
        """Take a stretch of sound and return the windows that it completes.

        Parameters
        ----------
        samples : ndarray, shape (n,) or (n, channels)
            Samples, full scale 1.
        rate : float
            Samples per s.
        time_s : float
            When the first of them is presented, in s from the start of the clip.
        """
        return self._judge(self._senses.push_audio(samples, rate, time_s))

    def close_video(self) -> list[WindowResult]:
        """Take note that no more pictures come, and return the windows that waited for them."""
        return self._judge(self._senses.close_video())

    def close_audio(self) -> list[WindowResult]:
        """Take note that no more sound comes, and return the windows that waited for it."""
        return self._judge(self._senses.close_audio())

    def finish(self, duration_s: float | None = None) -> list[WindowResult]:
        """End the clip and return the windows that are left, the last of which ends with the clip.

        Parameters
        ----------
        duration_s : float, optional
            Length of the clip, in s; by default up to the last sample or the end of the last picture.
        """
        return self._judge(self._senses.finish(duration_s))

    def _judge(self, windows: list[SensoryFeatures]) -> list[WindowResult]:
        # One at a time: a window's numbers then never depend on which others were complete with it.
        return [self._result(window) for window in windows]

    def _result(self, sensed: SensoryFeatures) -> WindowResult:
        sensed = perceived_by(sensed, self.bundle.senses)
        emotion, regions, gates, _ = self._predictor.predict([sensed])
        self._n_given += 1
        felt = Emotion.from_output(emotion[0])
        in_range = within_ranges(sensed, self._ranges, self.bundle.may_be_missing)
        low, high = (
            self.bundle.interval(felt.epp, sensed.g_audio, sensed.g_video) if in_range else (None, None)
        )
        return WindowResult(
            index=self._n_given - 1,
            start_s=sensed.start_s,
            end_s=sensed.end_s,
            start_frame=sensed.start_frame,
            end_frame=sensed.end_frame,
            emotion=felt,
            evidence=max(sensed.g_audio, sensed.g_video) > 0,
            in_range=in_range,
            features=sensed.to_dict(),
            regions=dict(zip(self.bundle.regions, regions[0].tolist(), strict=True)),
            gate_audio=float(gates[0, 0]),
            gate_video=float(gates[0, 1]),
            g_audio=sensed.g_audio,
            g_video=sensed.g_video,
            epp_low=low,
            epp_high=high,
            attribution=self._attributor.attribute(sensed).to_dict() if self._attributor else None,
        )


def perceived_by(sensed: SensoryFeatures, senses: tuple[str, ...]) -> SensoryFeatures:
    """Return a window as a model with these senses perceives it: the other one gives it no evidence.

    Examples
    --------
    >>> from dataclasses import replace
    >>> seen = replace(SensoryFeatures.empty(0.0, 4.0), g_video=1.0)
    >>> perceived_by(seen, ("audio",)).g_video, perceived_by(seen, ("audio", "video")).g_video
    (0.0, 1.0)
    """
    return replace(
        sensed,
        g_audio=sensed.g_audio if "audio" in senses else 0.0,
        g_video=sensed.g_video if "video" in senses else 0.0,
    )


def within_ranges(
    sensed: SensoryFeatures, ranges: Mapping[str, tuple[float, float]], may_be_missing: frozenset[str]
) -> bool:
    """Tell whether what a prediction rests on resembles what the model was trained on, feature by feature.

    The features of a sense without evidence are left out: the prediction does not rest on them, and ranges
    are those of windows with evidence. Where neither sense has evidence, or nothing could be measured of what
    one of them perceives, there is nothing to be within.

    Parameters
    ----------
    sensed : SensoryFeatures
        A measured window.
    ranges : Mapping of str to (float, float)
        Smallest and largest value of each feature that the model reads, in training.
    may_be_missing : frozenset of str
        Features that were missing in training too, while their sense had evidence.

    Returns
    -------
    bool
        False without evidence, if a feature lies outside its range, if one is missing that never was, or if
        all of a sense are.

    Examples
    --------
    >>> import numpy as np
    >>> from dataclasses import replace
    >>> heard = replace(SensoryFeatures.empty(0.0, 4.0), acoustic=np.full(7, 0.5), g_audio=1.0)
    >>> within_ranges(heard, {"rms": (0.1, 0.9)}, frozenset())
    True
    >>> within_ranges(heard, {"rms": (0.1, 0.3)}, frozenset())
    False
    """
    values = sensed.to_dict()
    senses = ((VISUAL_FEATURES, sensed.g_video), (ALL_ACOUSTIC, sensed.g_audio))
    perceived = [[name for name in names if name in ranges] for names, gate in senses if gate > 0]
    if not perceived or any(names and all(values[name] is None for name in names) for names in perceived):
        return False
    return all(
        name in may_be_missing
        if (value := values[name]) is None
        else ranges[name][0] <= value <= ranges[name][1]
        for names in perceived
        for name in names
    )
