"""From traces to a design matrix: each trial's time course through the haemodynamic response, scan by scan.

A trial shows a clip from its onset to its end. While it does, a regressor's neural time course is the clip's
trace (a step function: every sample holds halfway to the next one); between trials it is zero. The regressor
is that course convolved with the haemodynamic response function (HRF) of SPM or Glover [1]_ and read at the
times of the scans. As all of it is linear, a trace that is twice as high gives a regressor twice as high. A
regressor `stimulus`, 1 while anything is shown, takes up what does not depend on the trace.

References
----------
.. [1] Glover, G. H. (1999), "Deconvolution of impulse response in event-related BOLD fMRI", NeuroImage 9.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avfbel.errors import UsageError
from avfbel.interpret.trace_columns import choose_columns

if TYPE_CHECKING:
    import pandas as pd

    from avfbel.data.bids import Events, Trial
    from avfbel.interpret.traces import Traces

Hrf = Literal["spm", "glover"]
"""The haemodynamic response functions of nilearn that can be chosen."""

STIMULUS = "stimulus"
"""Name of the regressor of anything being shown."""

OVERSAMPLING = 50
"""Steps of the fine time grid in one repetition time; nilearn's own number."""

HIGH_PASS_HZ = 0.01
"""Cut-off of the drifts, in Hz; nilearn's own number."""


class Course(NamedTuple):
    """A step function of time: k values, and the k + 1 borders between them in s from the onset."""

    edges_s: NDArray[np.float64]
    values: NDArray[np.float64]


def require_nilearn() -> None:
    """Raise ImportError with a remedy unless regressors can be made."""
    try:
        import nilearn.glm.first_level  # noqa: F401
    except ImportError as error:
        raise ImportError('regressors need nilearn: run `pip install "avfbel[neuro]"`') from error


def neural_course(
    trials: Sequence[Trial], courses: Sequence[Course], grid: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Place the courses of trials on the time line of a scan.

    Parameters
    ----------
    trials : sequence of Trial
        When each is shown, and for how long.
    courses : sequence of Course
        What each of them shows; what goes on after the end of the trial is cut off.
    grid : ndarray, shape (n + 1,)
        Borders of n time bins, in s, ascending.

    Returns
    -------
    ndarray, shape (n,)
        Mean of the sum of all courses in each bin, exactly; zero where nothing is shown.
    """
    integral = np.zeros(len(grid))
    for trial, (edges, values) in zip(trials, courses, strict=True):
        shown = np.minimum(edges, trial.duration_s)
        area = np.concatenate([[0.0], np.cumsum(values * np.diff(shown))])
        integral += np.interp(grid - trial.onset_s, shown, area)
    mean: NDArray[np.float64] = np.diff(integral) / np.diff(grid)
    return mean


def convolve_with_hrf(
    course: NDArray[np.float64], *, tr: float, hrf: Hrf = "spm", oversampling: int = OVERSAMPLING
) -> NDArray[np.float64]:
    """Convolve a neural time course with a haemodynamic response.

    Parameters
    ----------
    course : ndarray, shape (n,)
        Values on a grid of steps of `tr` / `oversampling`, in s.
    tr : float
        Repetition time, in s.
    hrf : {"spm", "glover"}
        The response; its area is 1, so that a lasting 1 tends to 1.
    oversampling : int
        Steps of the grid in one repetition time.

    Returns
    -------
    ndarray, shape (n,)
        The response on the same grid.

    Raises
    ------
    ImportError
        If nilearn is not installed.
    """
    require_nilearn()
    from nilearn.glm.first_level import glover_hrf, spm_hrf

    kernel = {"spm": spm_hrf, "glover": glover_hrf}[hrf](tr, oversampling)
    response: NDArray[np.float64] = np.convolve(course, kernel)[: len(course)]
    return response


def design_matrix(
    events: Events,
    traces_of: Callable[[Trial], Traces] | Traces,
    *,
    tr: float,
    n_scans: int,
    columns: Iterable[str] = ("epp",),
    hrf: Hrf = "spm",
    slice_time_ref: float = 0.0,
) -> pd.DataFrame:
    """Return the design matrix of one run, as nilearn's `FirstLevelModel` takes it.

    Parameters
    ----------
    events : Events
        What was shown when; see `avfbel.data.bids.read_events`.
    traces_of : callable or Traces
        Gives the traces of what a trial shows; or the traces of one clip that every trial shows.
    tr : float
        Repetition time, in s.
    n_scans : int
        Number of volumes.
    columns : iterable of str
        The traces that become regressors, by name or group; see `trace_columns.choose_columns`. Traces that
        go together, such as those of neighbouring regions, leave a model little to tell them apart by: a few
        at a time is better.
    hrf : {"spm", "glover"}
        The haemodynamic response.
    slice_time_ref : float
        Share of the repetition time at which a volume was taken: 0 its start, 0.5 the middle, to which
        fMRIPrep shifts all slices.

    Returns
    -------
    pandas.DataFrame
        A row a scan, its time in s as index; `stimulus`, a regressor a trace, cosine drifts, `constant`.

    Raises
    ------
    ImportError
        If nilearn is not installed.
    UsageError
        If times do not fit the run, a trace is not known, or one has gaps.

    Warns
    -----
    UserWarning
        If one regressor follows from others, such as a trace that is the same in every trial.
    """
    require_nilearn()
    from nilearn.glm.first_level import make_first_level_design_matrix

    scans = scan_times(events, tr=tr, n_scans=n_scans, slice_time_ref=slice_time_ref)
    shown = [traces_of(trial) if callable(traces_of) else traces_of for trial in events.trials]
    chosen = choose_columns(columns, shown[0].columns)
    grid = _fine_grid(events, tr=tr, n_scans=n_scans)
    regressors = {}
    for name in (STIMULUS, *chosen):
        courses = [Course(traces.edges_s, _values(traces, name)) for traces in shown]
        response = convolve_with_hrf(neural_course(events.trials, courses, grid), tr=tr, hrf=hrf)
        regressors[name] = np.interp(scans, grid[:-1], response)
    _warn_if_alike(regressors)
    drifts: pd.DataFrame = make_first_level_design_matrix(scans, drift_model="cosine", high_pass=HIGH_PASS_HZ)
    return drifts.assign(**regressors)[[*regressors, *drifts]]


def _warn_if_alike(regressors: Mapping[str, NDArray[np.float64]]) -> None:
    """Warn if a combination of regressors is zero: a model cannot tell their weights apart then."""
    size = np.array([np.linalg.norm(course) for course in regressors.values()])
    units = np.column_stack(list(regressors.values())) / np.where(size > 0, size, 1.0)
    if np.linalg.matrix_rank(units, tol=1e-6) < len(regressors):
        warnings.warn(
            f"the effects of {', '.join(regressors)} cannot be told apart in this run, as at least one of "
            "them follows from the others: choose fewer columns, or clips that differ more",
            stacklevel=3,
        )


def _values(traces: Traces, name: str) -> NDArray[np.float64]:
    if name == STIMULUS:
        return np.ones(len(traces.time_s))
    values = traces[name]
    if np.isnan(values).any():
        raise UsageError(
            f"the trace {name} of {traces.media} has gaps, where it could not be measured: choose columns "
            "without, such as epp, emotions or regions"
        )
    return values


def scan_times(
    events: Events, *, tr: float, n_scans: int, slice_time_ref: float = 0.0
) -> NDArray[np.float64]:
    """Return the times of n scans in s; raise UsageError unless they fit the events of a run."""
    if not (math.isfinite(tr) and tr > 0) or n_scans < 2:
        raise UsageError(f"a run has a positive TR and two scans or more, got {tr:g} s and {n_scans}")
    if not 0 <= slice_time_ref <= 1:
        raise UsageError(f"the slice time reference is a share of the TR, 0 to 1, got {slice_time_ref:g}")
    if not events.trials:
        raise UsageError(
            f"{events.path.name} shows no stimulus, so that there is nothing to make regressors of"
        )
    last = max(events.trials, key=lambda trial: trial.onset_s)
    if last.onset_s >= n_scans * tr:
        raise UsageError(
            f"{events.path.name}: line {last.line}: a trial starts at {last.onset_s:g} s, but {n_scans} "
            f"scans of {tr:g} s end at {n_scans * tr:g} s: check --tr and --n-scans"
        )
    return (np.arange(n_scans, dtype=np.float64) + slice_time_ref) * tr


def _fine_grid(events: Events, *, tr: float, n_scans: int) -> NDArray[np.float64]:
    """Return the borders of time bins of `tr` / `OVERSAMPLING`, from the first trial or scan to the last."""
    first = min(0, math.floor(min(trial.onset_s for trial in events.trials) / tr))
    steps = np.arange(first * OVERSAMPLING, (n_scans + 1) * OVERSAMPLING + 1, dtype=np.float64)
    return steps * (tr / OVERSAMPLING)
