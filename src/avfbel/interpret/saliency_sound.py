"""When in the sound: what each stretch of it does for EPP, by listening again without it.

The auditory cortex reads features of a whole window, such as its tempo, that no single moment has. So the
question is put to the ear itself: a stretch is silenced, the window is measured anew, and the change of EPP
is what the stretch did. Stretches run from one heard onset to the next: silence that cuts through a note
leaves a stump of it, which the ear can mistake for another note.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.emotion import predicted_epp
from avfbel.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avfbel.runtime.engine import Predictor
    from avfbel.senses.features import SensoryFeatures

SHORTEST_S, LONGEST_S = 0.1, 1.0
"""Onsets nearer than the former, in s, begin one stretch; stretches longer than the latter are cut evenly."""

LEAD_S = 0.02
"""So much before its onset a stretch begins, in s: onsets are heard to about this precision."""

FADE_S = 0.01
"""So many s at either end of a stretch fade, so that its silence does not begin with a click."""

CONTEXT_S = 0.5
"""So much of the sound before a window the ear listens to, in s: a whole number of sixths, as it wants."""

_GAP_S = 0.05  # containers round their times by less than this


class SoundSaliency(NamedTuple):
    """What n stretches of a window did for its EPP; signed, in units of EPP."""

    start_s: NDArray[np.float64]  # (n,) from the start of the clip
    end_s: NDArray[np.float64]  # (n,)
    change: NDArray[np.float64]  # (n,) EPP with the stretch minus EPP without it


class SoundMemory:
    """The latest sound, mono, of which stretches can be heard again.

    Examples
    --------
    >>> memory = SoundMemory()
    >>> memory.push(np.ones((10, 2), np.float32), 10, 0.0)
    >>> memory.forget(0.5)
    >>> memory.between(0.6, 0.9)
    array([1., 1., 1.], dtype=float32)
    """

    def __init__(self) -> None:
        self.rate = 0
        self._pieces: deque[tuple[int, NDArray[np.float32]]] = deque()  # number of the first sample, samples
        self._n = 0

    def push(self, samples: NDArray[np.floating], rate: float, time_s: float) -> None:
        """Take sound, (n,) or (n, channels), that begins at `time_s`; a gap before it is silence.

        Raises
        ------
        InputError
            If the rate is another one than before.
        """
        if self.rate and round(rate) != self.rate:
            raise InputError(
                f"the sound changes from {self.rate} to {rate:g} samples a second: convert it to one rate"
            )
        self.rate = round(rate)
        mono = np.asarray(samples, np.float32)
        mono = mono.mean(axis=1, dtype=np.float32) if mono.ndim == 2 else mono
        gap = round(time_s * self.rate) - self._n
        if gap > _GAP_S * self.rate:
            self._n += gap
        self._pieces.append((self._n, mono))
        self._n += len(mono)

    def forget(self, before_s: float) -> None:
        """Drop what lies before a time, in s."""
        while self._pieces and (self._pieces[0][0] + len(self._pieces[0][1])) <= before_s * self.rate:
            self._pieces.popleft()

    def between(self, start_s: float, end_s: float) -> NDArray[np.float32]:
        """Return the sound from `start_s` to `end_s`, in s, as a new array; silence where there is none."""
        first, last = round(start_s * self.rate), round(end_s * self.rate)
        sound = np.zeros(max(0, last - first), np.float32)
        for at, piece in self._pieces:
            low, high = max(at, first), min(at + len(piece), last)
            if low < high:
                sound[low - first : high - first] = piece[low - at : high - at]
        return sound


def sound_saliency(predictor: Predictor, window: SensoryFeatures, memory: SoundMemory) -> SoundSaliency:
    """Tell what each stretch of the sound of a window does for its EPP, by listening without it.

    What is seen, and the rest of the sound, stay.

    Parameters
    ----------
    predictor : Predictor
        The trained model.
    window : SensoryFeatures
        A measured window, as the model perceives it (`perceived_by`).
    memory : SoundMemory
        The sound of the window, and `CONTEXT_S` before it.

    Returns
    -------
    SoundSaliency
        Stretch by stretch, see `stretch_edges`; positive where one makes the window more positive. Empty
        without evidence of sound.
    """
    from avfbel.senses.acoustic import measure_acoustic

    if window.g_audio <= 0 or not memory.rate:
        return SoundSaliency(*np.zeros((3, 0)))
    begin_s = max(0.0, window.start_s - CONTEXT_S)
    before_s = window.start_s - begin_s
    sound = memory.between(begin_s, window.end_s)
    heard = [measure_acoustic(sound, memory.rate, before_s=before_s)]
    onsets = [begin_s + note.onset_s for note in heard[0].notes]
    edges = stretch_edges(onsets, window.start_s, window.end_s)
    for start, end in pairwise(edges - begin_s):
        rest = silenced(sound, memory.rate, start, end)
        heard.append(measure_acoustic(rest, memory.rate, before_s=before_s))
    perceived = [replace(window, acoustic=each.features, g_audio=each.g_audio) for each in heard]
    epp = predicted_epp(predictor.predict(perceived).emotion)
    return SoundSaliency(edges[:-1], edges[1:], epp[0] - epp[1:])


def stretch_edges(onsets: Sequence[float], start_s: float, end_s: float) -> NDArray[np.float64]:
    """Return the borders of the stretches of a window: its ends, and `LEAD_S` before each heard onset, in s.

    Borders at onsets are whole hundredths of a second and at least `SHORTEST_S` apart; what is longer than
    `LONGEST_S` is cut into equal parts.

    Examples
    --------
    >>> stretch_edges([0.3, 0.31, 2.02], 0.0, 2.5)
    array([0.  , 0.28, 1.14, 2.  , 2.5 ])
    """
    borders = [start_s]
    for border in sorted(round(onset - LEAD_S, 2) for onset in onsets):
        if borders[-1] + SHORTEST_S <= border <= end_s - SHORTEST_S:
            borders.append(border)
    edges = [start_s]
    for start, end in pairwise([*borders, end_s]):
        n = max(1, math.ceil((end - start) / LONGEST_S - 1e-6))
        edges += np.linspace(start, end, n + 1)[1:].tolist()
    return np.array(edges)


def silenced(sound: NDArray[np.float32], rate: int, start_s: float, end_s: float) -> NDArray[np.float32]:
    """Return a sound (n,) that is silent from `start_s` to `end_s`, in s, fading within this stretch.

    Examples
    --------
    >>> silenced(np.ones(8, np.float32), 100, 0.02, 0.06)
    array([1. , 1. , 0.5, 0. , 0. , 0.5, 1. , 1. ], dtype=float32)
    """
    first, last = round(start_s * rate), min(round(end_s * rate), len(sound))
    n = min(round(FADE_S * rate), (last - first) // 2)
    fade = 0.5 * (1 + np.cos(np.pi * (np.arange(n) + 0.5) / max(1, n)))
    quiet = sound.copy()
    quiet[first:last] = 0.0
    quiet[first : first + n] = sound[first : first + n] * fade
    quiet[last - n : last] = sound[last - n : last] * fade[::-1]
    return quiet
