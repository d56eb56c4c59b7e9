"""Decoded frames of any format become arrays: upright RGB pictures and float32 samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

WORKING_WIDTH, WORKING_HEIGHT = 250, 300
"""A frame is reduced as long as neither side falls below these, in pixels: less loses the features."""

# Offset and factor that bring each integer sample format to full scale 1.
_FULL_SCALE = {"u1": (128.0, 2.0**-7), "i2": (0.0, 2.0**-15), "i4": (0.0, 2.0**-31), "i8": (0.0, 2.0**-63)}


def working_size(width: int, height: int) -> tuple[int, int]:
    """Return the size in pixels to which a frame of `width` × `height` is reduced before it is looked at.

    Examples
    --------
    >>> working_size(1920, 1080), working_size(500, 600), working_size(160, 120)
    ((533, 300), (250, 300), (160, 120))
    """
    scale = min(1.0, max(WORKING_WIDTH / width, WORKING_HEIGHT / height))
    return max(1, round(width * scale)), max(1, round(height * scale))


class PictureConverter:
    """Turns decoded video frames into upright RGB pictures of the working size; reuses one scaler."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def __call__(self, frame: Any) -> NDArray[np.uint8]:
        """Return the picture of a PyAV video frame, (height, width, 3) uint8."""
        width, height = working_size(frame.width, frame.height)
        small = self._reformatter.reformat(
            frame, width=width, height=height, format="rgb24", interpolation=Interpolation.AREA
        )
        rgb = np.asarray(small.to_ndarray(), np.uint8)
        return np.ascontiguousarray(upright(rgb, display_matrix(frame)))


def display_matrix(frame: Any) -> tuple[int, int, int, int]:
    """Return the signs that matter of a frame's display matrix: a, b, c, d, 16.16 fixed point.

    A pixel at (x, y), y downwards, is to be shown at x′ = a·x + c·y, y′ = b·x + d·y.
    """
    for data in frame.side_data:
        if str(data.type).endswith("DISPLAYMATRIX"):
            a, b, _, c, d = np.frombuffer(bytes(data), "<i4")[:5].tolist()
            return a, b, c, d
    return 1 << 16, 0, 0, 1 << 16


def upright(rgb: NDArray[np.uint8], matrix: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """Turn and mirror a picture (height, width, 3) by the quarter turns nearest to a display matrix.

    Examples
    --------
    >>> picture = np.zeros((1, 2, 3), np.uint8)
    >>> picture[0, 0] = 255  # white at the left
    >>> upright(picture, (0, 1, -1, 0))[:, 0, 0].tolist()  # a quarter turn clockwise: white at the top
    [255, 0]
    """
    a, b, c, d = matrix
    if abs(a) + abs(d) < abs(b) + abs(c):
        rgb, a, d = rgb.transpose(1, 0, 2), c, b
    return rgb[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]


def samples_of(frame: Any) -> NDArray[np.float32]:
    """Return the samples of a PyAV audio frame of any format, (n, channels) float32, full scale 1."""
    raw = frame.to_ndarray()
    samples = raw.T if frame.format.is_planar else raw.reshape(-1, frame.layout.nb_channels)
    offset, factor = _FULL_SCALE.get(samples.dtype.str[1:], (0.0, 1.0))
    converted: NDArray[np.float32] = np.ascontiguousarray(samples, np.float32)
    if factor != 1.0:
        converted = (converted - np.float32(offset)) * np.float32(factor)
    return converted
