"""Saliency laid over a picture: warm where it makes a window more positive, cool where more negative."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from avfbel.interpret.saliency_clip import ClipSaliency, Place, WindowSaliency

WARM, COOL = (214, 84, 20), (24, 98, 190)  # of 255; told apart with any colour vision
STRONGEST = 0.85  # opacity of the most salient place
SPARED = 0.995  # share of the places of a clip that are told apart; the few beyond are as strong as it gets


def on_picture(
    saliency: NDArray[np.floating], place: Place, size: tuple[int, int], *, smooth: bool = True
) -> NDArray[np.float32]:
    """Carry a map back to the picture from which it comes.

    A map covers the picture between black bars in equal rectangles, as the eye averages them.

    Parameters
    ----------
    saliency : ndarray, shape (s, s)
        A map of any stage, or of cells.
    place : Place
        Which part of the picture it covers.
    size : (int, int)
        Height and width of the picture, in pixels.
    smooth : bool
        Whether values are interpolated between the middles of the rectangles, or fill them.

    Returns
    -------
    ndarray, shape (height, width)
        0 on black bars.

    Examples
    --------
    >>> on_picture(np.array([[1.0, 2.0]]), Place(0.0, 0.5, 0.0, 1.0), (2, 4), smooth=False)
    array([[1., 1., 2., 2.], [0., 0., 0., 0.]], dtype=float32)
    """
    from PIL import Image

    height, width = size
    top, bottom = round(place.top * height), round(place.bottom * height)
    left, right = round(place.left * width), round(place.right * width)
    carried = np.zeros(size, np.float32)
    if bottom > top and right > left:
        how = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
        small = Image.fromarray(np.asarray(saliency, np.float32))
        carried[top:bottom, left:right] = np.asarray(small.resize((right - left, bottom - top), how))
    return carried


def blend(picture: NDArray[np.uint8], saliency: NDArray[np.floating], scale: float) -> NDArray[np.uint8]:
    """Lay saliency over a picture that is greyed.

    Parameters
    ----------
    picture : ndarray, shape (h, w, 3), uint8
        RGB.
    saliency : ndarray, shape (h, w)
        Positive is warm, negative cool.
    scale : float
        Magnitude that is shown strongest; larger ones look alike.

    Returns
    -------
    ndarray, shape (h, w, 3), uint8
        Grey exactly where the saliency is 0.
    """
    grey = 0.35 * picture.mean(axis=2, dtype=np.float32) + 0.65 * 235  # pale, so that colours stand out
    share = np.clip(np.asarray(saliency, np.float32) / (scale or 1.0), -1.0, 1.0)
    opacity = (STRONGEST * np.sqrt(np.abs(share)))[:, :, None]
    colour = np.where((share > 0)[:, :, None], np.array(WARM, np.float32), np.array(COOL, np.float32))
    return np.asarray(np.rint(grey[:, :, None] * (1 - opacity) + colour * opacity), np.uint8)


def strongest(maps: Sequence[NDArray[np.floating]], *, spared: float = SPARED) -> float:
    """Return the magnitude that the few largest values of some maps reach, by which maps are scaled."""
    values = np.abs(np.concatenate([np.ravel(one) for one in maps]))
    moved = values[values > 0]
    return float(np.quantile(moved, spared)) if len(moved) else 0.0


def at_time(told: ClipSaliency, time_s: float) -> tuple[NDArray[np.float32], WindowSaliency]:
    """Return the saliency of the input at a time, between the windows whose middles are around it.

    Returns
    -------
    saliency : ndarray, shape (64, 64)
        Interpolated; that of the first or last window before or after their middles.
    window : WindowSaliency
        The window whose middle is nearest.
    """
    middles = np.array([(window.start_s + window.end_s) / 2 for window in told.windows])
    after = int(np.clip(np.searchsorted(middles, time_s), 1, max(1, len(middles) - 1)))
    if len(middles) == 1:
        return told.windows[0].stages["input"], told.windows[0]
    before = after - 1
    share = float(np.clip((time_s - middles[before]) / (middles[after] - middles[before]), 0.0, 1.0))
    pair = told.windows[before], told.windows[after]
    saliency = (1 - share) * pair[0].stages["input"] + share * pair[1].stages["input"]
    return saliency.astype(np.float32), pair[share > 0.5]
