"""The windows in which a clip is measured, and the grid to which its frames are thinned."""

from __future__ import annotations

import math

from avfbel.errors import UsageError

TOLERANCE_S = 1e-6
"""Differences of times below this, in s, are rounding."""


GRID_HZ = 30.0
"""Frames are thinned to at most one in each cell of a grid of this rate, in Hz."""

GRID_SLACK = 0.02
"""Share of a cell by which a frame may be early: some containers round times to a millisecond."""


def thinning_cell(time_s: float) -> int:
    """Return the cell of the 30 Hz grid that `time_s` falls in: of the frames in one cell the first is kept.

    Examples
    --------
    >>> [thinning_cell(k / 60) for k in range(5)]
    [0, 0, 1, 1, 2]
    >>> [thinning_cell(time_s) for time_s in (0.0, 0.033, 0.067, 0.1)]  # 30 frames/s, rounded to milliseconds
    [0, 1, 2, 3]
    """
    return math.floor(time_s * GRID_HZ + GRID_SLACK)


def check_window(window: float, hop: float) -> None:
    """Raise UsageError unless `window` and `hop`, in s, are finite and positive."""
    for name, value in (("window", window), ("hop", hop)):
        if not (math.isfinite(value) and value > 0):
            raise UsageError(f"the {name} must be a positive number of seconds, got {value:g}")


def plan_windows(duration_s: float, window: float = 4.0, hop: float = 1.0) -> list[tuple[float, float]]:
    """List the windows of a clip: every `hop` seconds one of `window` seconds, the last ending with the clip.

    Parameters
    ----------
    duration_s : float
        Length of the clip, in s, not negative.
    window, hop : float
        Length of a window and distance of their starts, in s, both positive.

    Returns
    -------
    list of (float, float)
        Start and end of each window, in s. A shorter clip is one window; one of no length is none.

    Raises
    ------
    UsageError
        If a length is not finite or not positive (`duration_s`: negative).

    Examples
    --------
    >>> plan_windows(5.5)
    [(0.0, 4.0), (1.0, 5.0), (1.5, 5.5)]
    >>> plan_windows(2.5)
    [(0.0, 2.5)]
    """
    check_window(window, hop)
    if not (math.isfinite(duration_s) and duration_s >= 0):
        raise UsageError(f"a clip cannot last {duration_s:g} s")
    if duration_s == 0:
        return []
    if duration_s <= window + TOLERANCE_S:
        return [(0.0, float(duration_s))]
    n_full = math.floor((duration_s - window + TOLERANCE_S) / hop) + 1
    windows = [(k * hop, k * hop + window) for k in range(n_full)]
    if duration_s - windows[-1][1] > TOLERANCE_S:
        windows.append((duration_s - window, float(duration_s)))
    else:
        windows[-1] = (windows[-1][0], float(duration_s))
    return windows
