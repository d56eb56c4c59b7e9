"""The design matrix of a run as files: planned and checked before any clip is decoded, then written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avfbel.data.bids import Events, read_events
from avfbel.files import whole_files
from avfbel.interpret.regressors import STIMULUS, Hrf, design_matrix, require_nilearn, scan_times
from avfbel.interpret.trace_columns import choose_columns, meaning, trace_columns
from avfbel.interpret.trial_clips import find_clips, trace_clips, trial_type
from avfbel.runtime.engine import Predictor
from avfbel.runtime.files import encode_json

if TYPE_CHECKING:
    import pandas as pd

    from avfbel.interpret.traces import Traces


@dataclass(frozen=True, kw_only=True)
class DesignPlan:
    """What a design matrix is to be made of, checked. Made by `plan_design`.

    Attributes
    ----------
    events : Events
        What was shown when.
    clips : Mapping of str to Path, or None
        The clip by trial type; None if every trial shows the same one.
    columns : tuple of str
        The traces that become regressors.
    tr : float
        Repetition time, in s.
    n_scans : int
        Number of volumes.
    hrf : {"spm", "glover"}
        The haemodynamic response.
    slice_time_ref : float
        Share of the repetition time at which a volume counts.
    """

    events: Events
    clips: Mapping[str, Path] | None
    columns: tuple[str, ...]
    tr: float
    n_scans: int
    hrf: Hrf = "spm"
    slice_time_ref: float = 0.0


def plan_design(
    events: str | PathLike[str],
    *,
    regions: Iterable[str],
    tr: float,
    n_scans: int,
    clips: str | PathLike[str] | None = None,
    columns: Iterable[str] = ("epp",),
    hrf: Hrf = "spm",
    slice_time_ref: float = 0.0,
) -> DesignPlan:
    """Check a request for a design matrix.

    Parameters
    ----------
    events : path
        An events file of BIDS; see `avfbel.data.bids.read_events`.
    regions : iterable of str
        The regions of the model.
    clips : path, optional
        The folder of what the events show; see `trial_clips.find_clips`. Without it, all show the same clip.
    columns, tr, n_scans, hrf, slice_time_ref
        As in `regressors.design_matrix`.

    Returns
    -------
    DesignPlan
        The plan, for `save_design`.

    Raises
    ------
    ImportError
        If nilearn is not installed.
    InputError, UsageError, FileNotFoundError
        If the events cannot be used, do not fit the run, or show what is not there.
    """
    require_nilearn()
    read = read_events(Path(events))
    scan_times(read, tr=tr, n_scans=n_scans, slice_time_ref=slice_time_ref)
    return DesignPlan(
        events=read,
        clips=None if clips is None else find_clips(clips, read.trials),
        columns=choose_columns(columns, trace_columns(regions)),
        tr=tr,
        n_scans=n_scans,
        hrf=hrf,
        slice_time_ref=slice_time_ref,
    )


def save_design(
    plan: DesignPlan,
    folder: str | PathLike[str],
    *,
    traces: Traces | None = None,
    model: str | PathLike[str] | Predictor = "default",
    window: float = 4.0,
    hop: float = 0.25,
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[Path, Path]:
    """Trace what the events show, and write the design matrix and what it was made of.

    Parameters
    ----------
    plan : DesignPlan
        What is wanted.
    folder : path
        Where to write: `sub-01_..._events.tsv` gives `sub-01_..._design.tsv`, and a sidecar in JSON.
    traces : Traces, optional
        What every trial shows, if the plan names no clips.
    model, window, hop, progress
        As in `trial_clips.trace_clips`.

    Returns
    -------
    table, sidecar : Path
        What was written. The table is separated by tabs, with a header and a row a scan.

    Raises
    ------
    ValueError
        If the plan names no clips and there are no traces.
    """
    shown = _shown(plan, traces, model, window, hop, progress)
    matrix = design_matrix(
        plan.events,
        lambda trial: shown[trial_type(trial)],
        tr=plan.tr,
        n_scans=plan.n_scans,
        columns=plan.columns,
        hrf=plan.hrf,
        slice_time_ref=plan.slice_time_ref,
    )
    stem = plan.events.path.name.removesuffix(".tsv").removesuffix("_events")
    table, sidecar = (Path(folder) / f"{stem}_design.{ending}" for ending in ("tsv", "json"))
    with whole_files(table, sidecar) as (table_part, sidecar_part):
        matrix.to_csv(table_part, sep="\t", index=False, lineterminator="\n")
        sidecar_part.write_bytes(encode_json(_sidecar(plan, matrix, shown)))
    return table, sidecar


def _shown(
    plan: DesignPlan,
    traces: Traces | None,
    model: str | PathLike[str] | Predictor,
    window: float,
    hop: float,
    progress: Callable[[str, int, int], None] | None,
) -> dict[str, Traces]:
    if plan.clips is not None:
        return trace_clips(plan.clips, model=model, window=window, hop=hop, progress=progress)
    if traces is None:
        raise ValueError("without clips, the traces that every trial shows are needed")
    return {trial_type(trial): traces for trial in plan.events.trials}


def _sidecar(plan: DesignPlan, matrix: pd.DataFrame, shown: Mapping[str, Traces]) -> dict[str, Any]:
    told = {name: meaning(name) for name in plan.columns}
    return {
        STIMULUS: {"Description": "1 while anything is shown, through the haemodynamic response"},
        **{
            name: {"Description": f"{what}, through the haemodynamic response", "Units": unit}
            for name, (what, unit) in told.items()
        },
        "Columns": list(matrix.columns),
        "Events": plan.events.path.name,
        "Settings": {
            "tr": plan.tr,
            "n_scans": plan.n_scans,
            "hrf": plan.hrf,
            "slice_time_ref": plan.slice_time_ref,
        },
        "Clips": {kind: {"media": of.media, **of.provenance} for kind, of in shown.items()},
    }
