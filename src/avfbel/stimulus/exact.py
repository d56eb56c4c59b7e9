"""Exponentials, sines and cosines whose bits are the same on every machine.

The functions of the system and of numpy may differ in the last bit from one processor or library to the
next, and a WAV file with them. These use only what IEEE 754 defines to the bit: sums, products, quotients,
rounding to whole numbers and powers of two, each in an operation of its own, so that no compiler fuses them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

_LOG2_E = 1.4426950408889634
_LN_2 = 0.6931471805599453
_LN_2_HIGH = 0.693147180369123816490  # 32 bits, so that its product with a whole number is exact
_LN_2_LOW = 1.90821492927058770002e-10
_TWO_PI = 6.283185307179586
_LOWEST, _HIGHEST = -700.0, 700.0  # beyond these, results are no longer normal numbers


def exact_exp(x: ArrayLike) -> NDArray[np.float64]:
    """Give e to the power of x, within 2 units in the last place.

    Parameters
    ----------
    x : array_like
        At most 700; below -700 counts as -700, which gives about 1e-304.

    Returns
    -------
    ndarray
        Of the shape of `x`.

    Raises
    ------
    ValueError
        If a value is above 700.

    Examples
    --------
    >>> exact_exp([0, 1]).round(6)
    array([1.      , 2.718282])
    """
    values = np.maximum(np.asarray(x, float), _LOWEST)
    if not np.all(values <= _HIGHEST):
        raise ValueError("an exponent must be at most 700")
    whole = np.rint(values * _LOG2_E)
    rest = values - whole * _LN_2_HIGH
    rest = rest - whole * _LN_2_LOW
    series = _horner(rest, [1 / math.factorial(n) for n in range(14)])
    power: NDArray[np.float64] = np.ldexp(series, whole.astype(np.int32))
    return power


def exact_power_of_two(x: float) -> float:
    """Give 2 to the power of x; exact for whole numbers.

    Examples
    --------
    >>> exact_power_of_two(3), round(exact_power_of_two(-0.5), 9)
    (8.0, 0.707106781)
    """
    whole = round(x)
    return math.ldexp(float(exact_exp((x - whole) * _LN_2)), whole)


def exact_turn(cycles: ArrayLike) -> NDArray[np.float64]:
    """Give cosine and sine of an angle in full turns, within 2e-16 of the exact ones.

    Parameters
    ----------
    cycles : array_like
        Angle divided by 2 pi; below 2**50 in size.

    Returns
    -------
    ndarray, shape (2, ...)
        The cosine, then the sine, each of the shape of `cycles`.

    Examples
    --------
    >>> cosine, sine = exact_turn([0, 0.25, 0.5])
    >>> cosine, sine
    (array([ 1.,  0., -1.]), array([0., 1., 0.]))
    """
    turns = np.asarray(cycles, float)
    quarter = np.rint(turns * 4)
    angle = (turns - quarter / 4) * _TWO_PI
    square = angle * angle
    cosine = _horner(square, [(-1) ** n / math.factorial(2 * n) for n in range(10)])
    sine = _horner(square, [(-1) ** n / math.factorial(2 * n + 1) for n in range(10)]) * angle
    side = quarter - 4 * np.floor(quarter / 4)
    odd = (side == 1) | (side == 3)
    across, along = np.where(odd, sine, cosine), np.where(odd, cosine, sine)
    across = np.where((side == 1) | (side == 2), -across, across)
    return np.stack([across, np.where(side >= 2, -along, along)]) + 0.0  # no negative zeros


def _horner(x: NDArray[np.float64], coefficients: Sequence[float]) -> NDArray[np.float64]:
    """Sum of ``coefficients[n] * x**n``."""
    total = np.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = total * x
        total = total + coefficient
    return total
