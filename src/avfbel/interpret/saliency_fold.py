"""From a file to its saliency: a fold of the decoded file, window by window."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avfbel.emotion import Emotion
from avfbel.errors import InputError
from avfbel.interpret.occlusion import CELLS, picture_occlusion
from avfbel.interpret.saliency import picture_saliency
from avfbel.interpret.saliency_clip import PEAKS_PER_S, ClipSaliency, Place, WindowSaliency
from avfbel.interpret.saliency_sound import CONTEXT_S, SoundMemory, sound_saliency
from avfbel.interpret.trained_network import limbic_inputs, require_sight, trained_network
from avfbel.runtime.bundle import Bundle
from avfbel.runtime.engine import Predictor
from avfbel.runtime.fold import shown
from avfbel.runtime.stream import perceived_by
from avfbel.senses.sensorium import Modality, Sensorium, fold, open_for
from avfbel.senses.visual import SAMPLED_FRAMES
from avfbel.senses.visual_track import active_area, colour_codes, planes
from avfbel.senses.windows import TOLERANCE_S, check_window

if TYPE_CHECKING:
    from avfbel.senses.features import SensoryFeatures


def explain_saliency(
    path: str | PathLike[str],
    *,
    model: str | PathLike[str] | Bundle = "default",
    window: float = 4.0,
    hop: float = 1.0,
    progress: Callable[[float], None] | None = None,
) -> ClipSaliency:
    """Tell where in the picture and when in the sound the EPP of a file comes from, window by window.

    The file is decoded once; only what is kept of each window grows with its length (about 25 kB a window).

    Parameters
    ----------
    path : path
        A film or sound file in any format that FFmpeg decodes.
    model : str, path or Bundle
        The trained model; see `Bundle.open`.
    window, hop : float
        Length of a window and distance of the starts of windows, in s.
    progress : callable, optional
        Called at each window with the time in s up to which the clip is done.

    Returns
    -------
    ClipSaliency
        The windows in order, at least one.

    Raises
    ------
    ImportError
        If torch or onnx is not installed.
    InputError
        If the file or the bundle cannot be used.
    UsageError
        If a length is not positive, or the model sees without a visual cortex.

    Examples
    --------
    >>> from avfbel.interpret.saliency_fold import explain_saliency
    >>> told = explain_saliency("film.mp4")  # doctest: +SKIP
    >>> told.windows[0].stages["input"].shape  # doctest: +SKIP
    (64, 64)
    """
    bundle = Bundle.open(model)
    explainer = _Explainer(bundle, window=window, hop=hop)
    with open_for(path, explainer.modality) as media:
        explainer.sees = explainer.sees and "video" in media.decodes
        windows = []
        for told in fold(media, explainer):
            windows.append(told)
            if progress is not None:
                progress(told.end_s)
        if not windows:
            raise InputError(f"{path} has no length: export it again")
        return ClipSaliency(
            media=shown(path),
            duration_s=media.duration_s,
            complete=media.complete,
            model=f"{bundle.name} {bundle.version}",
            windows=tuple(windows),
            loudness=np.concatenate([*explainer.loudness, np.zeros(0, np.float32)]),
        )


class _Explainer:
    """Takes frames and samples as they come and gives the saliency of each window that is complete."""

    def __init__(self, bundle: Bundle, *, window: float, hop: float) -> None:
        check_window(window, hop)
        senses = bundle.senses
        self.modality: Modality = "both" if len(senses) == 2 else "audio" if "audio" in senses else "video"
        self.sees = "video" in senses
        self.loudness: list[NDArray[np.float32]] = []
        self._network = trained_network(bundle)
        if self.sees:
            require_sight(self._network, bundle)
        self._weights = limbic_inputs(bundle)
        self._bundle = bundle
        self._predictor = Predictor(bundle)
        self._sensorium = Sensorium(window=window, hop=hop, modality=self.modality)
        self._memory = SoundMemory()
        self._screen = _Screen()

    def push_frame(
        self, rgb: NDArray[np.uint8], time_s: float, index: int | None = None
    ) -> list[WindowSaliency]:
        self._screen.push(rgb, time_s)
        return self._explain(self._sensorium.push_frame(rgb, time_s, index))

    def push_audio(
        self, samples: NDArray[np.floating[Any]], rate: float, time_s: float
    ) -> list[WindowSaliency]:
        self._memory.push(samples, rate, time_s)
        return self._explain(self._sensorium.push_audio(samples, rate, time_s))

    def close_video(self) -> list[WindowSaliency]:
        return self._explain(self._sensorium.close_video())

    def close_audio(self) -> list[WindowSaliency]:
        return self._explain(self._sensorium.close_audio())

    def finish(self, duration_s: float | None = None) -> list[WindowSaliency]:
        return self._explain(self._sensorium.finish(duration_s))

    def _explain(self, windows: Sequence[SensoryFeatures]) -> list[WindowSaliency]:
        return [self._told(perceived_by(window, self._bundle.senses)) for window in windows]

    def _told(self, window: SensoryFeatures) -> WindowSaliency:
        stages, occlusion = {}, np.zeros((CELLS, CELLS))
        if self.sees:
            seen = picture_saliency(self._network, self._weights, [window]).stages
            stages = {name: values[0].astype(np.float32) for name, values in seen.items()}
            occlusion = picture_occlusion(self._predictor, window)
        told = WindowSaliency(
            start_s=window.start_s,
            end_s=window.end_s,
            epp=Emotion.from_output(self._predictor.predict([window]).emotion[0]).epp,
            weight=max(window.g_audio, window.g_video),
            place=self._screen.place(window.start_s, window.end_s),
            stages=stages,
            occlusion=occlusion,
            sound=sound_saliency(self._predictor, window, self._memory),
        )
        self._note_loudness(window.end_s)
        self._memory.forget(window.start_s - CONTEXT_S)  # no window still to come starts earlier
        self._screen.forget(window.start_s)
        return told

    def _note_loudness(self, end_s: float) -> None:
        """Keep the loudness of the sound up to `end_s` for drawing."""
        known = sum(map(len, self.loudness))
        n = int(end_s * PEAKS_PER_S + TOLERANCE_S) - known
        if n > 0 and self._memory.rate:
            sound = self._memory.between(known / PEAKS_PER_S, (known + n) / PEAKS_PER_S)
            peaks = [np.abs(part).max(initial=0.0) for part in np.array_split(sound, n)]
            self.loudness.append(np.array(peaks, np.float32))


class _Screen:
    """Remembers the latest pictures, to tell which part of them lies between black bars, as the eye does."""

    def __init__(self) -> None:
        self._pictures: deque[tuple[float, NDArray[np.uint16]]] = deque()

    def push(self, rgb: NDArray[np.uint8], time_s: float) -> None:
        self._pictures.append((time_s, colour_codes(planes(rgb))))

    def forget(self, before_s: float) -> None:
        while self._pictures and self._pictures[0][0] < before_s - TOLERANCE_S:
            self._pictures.popleft()

    def place(self, start_s: float, end_s: float) -> Place:
        """Return the part of the picture that the maps of the window from `start_s` to `end_s` cover."""
        codes = [c for time_s, c in self._pictures if start_s <= time_s + TOLERANCE_S < end_s]
        if not codes:
            return Place(0.0, 1.0, 0.0, 1.0)
        height, width = codes[-1].shape
        alike = [c for c in codes if c.shape == codes[-1].shape]
        chosen = np.unique(np.linspace(0, len(alike) - 1, SAMPLED_FRAMES).round().astype(int))
        area = active_area(np.stack([alike[i] for i in chosen]))
        return Place(area.top / height, area.bottom / height, area.left / width, area.right / width)
