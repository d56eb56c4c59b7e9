"""Regressors equal an independent convolution, obey its laws, and fit a first-level model of nilearn."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import gamma

from avfbel.data.bids import Events, Trial
from avfbel.errors import InputError, UsageError
from avfbel.interpret.design_files import plan_design, save_design
from avfbel.interpret.regressors import STIMULUS, Course, convolve_with_hrf, design_matrix, neural_course
from avfbel.interpret.traces import Traces, trace
from avfbel.interpret.trial_clips import find_clips, trace_clips

pytest.importorskip("nilearn")
pytestmark = pytest.mark.filterwarnings("ignore:.*cannot be told apart:UserWarning")

TR, N_SCANS = 2.0, 40


def events_of(*trials: tuple[float, float, str], path: str = "sub-01_task-x_events.tsv") -> Events:
    made = tuple(
        Trial(stimulus=name, modality="music", onset_s=onset, duration_s=duration, line=k)
        for k, (onset, duration, name) in enumerate(trials, 2)
    )
    return Events(path=Path(path), entities={}, trials=made, left_out={})


class StepTraces:
    """Traces of one column, the steps of which are given."""

    media, columns = "clip.wav", ("epp",)

    def __init__(self, values: Any, duration_s: float = 6.0) -> None:
        self.values = np.asarray(values, float)
        self.time_s = np.zeros(len(self.values))
        self.edges_s = np.linspace(0, duration_s, len(self.values) + 1)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.values


def regressor(values: Any, *trials: tuple[float, float, str], hrf: Any = "spm", **how: Any) -> np.ndarray:
    made = design_matrix(events_of(*trials), StepTraces(values), tr=TR, n_scans=N_SCANS, hrf=hrf, **how)
    return made["epp"].to_numpy()


def spm_step_response(time_s: np.ndarray, dt: float) -> np.ndarray:
    """Return the response of SPM's double gamma to a lasting 1, in closed form; it is a step `dt` late."""
    rise = gamma.cdf(time_s - dt, 6) - 0.167 * gamma.cdf(time_s - dt, 16)
    return rise / (gamma.cdf(32 - dt, 6) - 0.167 * gamma.cdf(32 - dt, 16))


def test_a_regressor_is_the_closed_form_of_its_steps() -> None:
    steps, onset, width = np.array([0.2, 0.9, 0.4]), 7.3, 2.0
    scans = np.arange(N_SCANS) * TR
    want = sum(
        value
        * (spm_step_response(scans - start, TR / 50) - spm_step_response(scans - start - width, TR / 50))
        for value, start in zip(steps, onset + width * np.arange(3), strict=True)
    )
    # the kernel is sampled every 0.04 s and cut off at 32 s
    np.testing.assert_allclose(regressor(steps, (onset, 6.0, "happy")), want, atol=0.01 * want.max())


@pytest.mark.parametrize("hrf", ["spm", "glover"])
def test_a_constant_trace_is_the_regressor_that_nilearn_makes_of_the_event(hrf: str) -> None:
    from nilearn.glm.first_level import compute_regressor

    onsets, durations = np.array([3.0, 21.0, 50.0]), np.array([3.0, 3.0, 6.0])
    want, _ = compute_regressor(
        np.array([onsets, durations, [0.7] * 3]), hrf, np.arange(N_SCANS) * TR, oversampling=50
    )
    got = regressor([0.7, 0.7], *((o, d, "sad") for o, d in zip(onsets, durations, strict=True)), hrf=hrf)
    np.testing.assert_allclose(got, want[:, 0], atol=1e-12)  # all times lie on its grid of 0.04 s


def test_the_convolution_is_that_of_numpy_with_the_kernel_of_nilearn() -> None:
    from nilearn.glm.first_level import spm_hrf

    course = np.random.default_rng(0).uniform(size=900)
    kernel = spm_hrf(1.5, 10)
    want = [sum(course[n - k] * kernel[k] for k in range(min(n + 1, len(kernel)))) for n in range(900)]
    np.testing.assert_allclose(
        convolve_with_hrf(course, tr=1.5, oversampling=10), want, rtol=1e-12, atol=1e-15
    )


@given(
    st.lists(st.floats(-2, 2), min_size=1, max_size=5),
    st.floats(-20, 60),
    st.integers(1, 8),
    st.floats(-3, 3),
)
def test_laws_of_a_linear_system(steps: list[float], onset: float, shift: int, factor: float) -> None:
    event = (onset, 5.0, "angry")
    made = regressor(steps, event)
    near = {"rtol": 1e-9, "atol": 1e-9}
    np.testing.assert_allclose(regressor(2 * np.array(steps), event), 2 * made, **near)
    np.testing.assert_allclose(regressor(factor * np.array(steps), event), factor * made, **near)
    later = regressor(steps, (onset + shift * TR, 5.0, "angry")) if onset + shift * TR < 78 else None
    if later is not None:
        np.testing.assert_allclose(later[shift:], made[:-shift], **near)
    both = regressor(steps, event, (30.0, 5.0, "angry"))
    np.testing.assert_allclose(both, made + regressor(steps, (30.0, 5.0, "angry")), **near)


@given(st.floats(-5, 30), st.floats(0.1, 9), st.lists(st.floats(-2, 2), min_size=1, max_size=6))
def test_a_course_keeps_its_area_and_ends_with_its_trial(
    onset: float, duration: float, steps: list[float]
) -> None:
    edges = np.linspace(0, 6, len(steps) + 1)
    trial = events_of((onset, duration, "happy")).trials[0]
    grid = np.arange(-200, 1200) * 0.04
    course = neural_course([trial], [Course(edges, np.array(steps))], grid)
    want = sum(v * max(0.0, min(b, duration) - a) for v, a, b in zip(steps, edges, edges[1:], strict=False))
    assert (course * 0.04).sum() == pytest.approx(want, abs=1e-9)
    outside = (grid[1:] < onset) | (grid[:-1] > onset + min(duration, 6.0))
    assert not np.abs(course[outside]).max() > 1e-9


def test_scans_can_count_at_the_middle_of_their_volume() -> None:
    steps, event = [1.0], (4.0, 6.0, "happy")
    late = regressor(steps, event, slice_time_ref=0.5)
    np.testing.assert_allclose(
        late, regressor(steps, (event[0] - 1.0, *event[1:])), atol=1e-12
    )  # 0.5 TR earlier


def test_a_first_level_model_finds_the_weight_of_a_trace() -> None:
    from nibabel import Nifti1Image
    from nilearn.glm.first_level import FirstLevelModel

    trials = [(6.0 + 12 * k, 6.0, "happy") for k in range(6)]
    rng = np.random.default_rng(1)
    clips = {k: StepTraces(rng.uniform(0, 1, 3)) for k in range(2, 8)}
    matrix = design_matrix(events_of(*trials), lambda trial: clips[trial.line], tr=TR, n_scans=N_SCANS)
    assert list(matrix)[:2] == [STIMULUS, "epp"]
    assert list(matrix)[-1] == "constant"
    signal = 100 + 3 * matrix["epp"] + 2 * matrix[STIMULUS]
    data = signal.to_numpy() + rng.normal(0, 1e-3, (4, 4, 4, N_SCANS))
    mask = Nifti1Image(np.ones((4, 4, 4), np.uint8), np.eye(4))
    model = FirstLevelModel(mask_img=mask, noise_model="ols", signal_scaling=False)
    model.fit(Nifti1Image(data.astype(np.float64), np.eye(4)), design_matrices=matrix)
    effect = model.compute_contrast("epp", output_type="effect_size").get_fdata()
    np.testing.assert_allclose(effect, 3, atol=0.01)


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"tr": 0.0}, "a positive TR and two scans or more, got 0 s and 40"),
        ({"n_scans": 1}, "a positive TR and two scans or more, got 2 s and 1"),
        (
            {"n_scans": 4},
            "line 2: a trial starts at 9 s, but 4 scans of 2 s end at 8 s: check --tr and --n-scans",
        ),
        ({"slice_time_ref": 2.0}, "a share of the TR, 0 to 1, got 2"),
        ({"columns": ["joy"]}, "no trace of 'joy'"),
    ],
)
def test_what_does_not_fit_the_run_is_refused(how: dict[str, Any], sentence: str) -> None:
    usual = {"tr": TR, "n_scans": N_SCANS}
    with pytest.raises(UsageError, match=sentence):
        design_matrix(events_of((9.0, 3.0, "happy")), StepTraces([1.0]), **(usual | how))


def test_traces_that_cannot_be_told_apart_are_named() -> None:
    with pytest.warns(UserWarning, match="the effects of stimulus, epp cannot be told apart"):
        regressor([0.5, 0.5], (3.0, 3.0, "happy"))


def test_gaps_and_empty_runs_are_refused() -> None:
    with pytest.raises(UsageError, match=r"the trace epp of clip\.wav has gaps"):
        regressor([0.5, np.nan], (3.0, 3.0, "happy"))
    with pytest.raises(UsageError, match="shows no stimulus"):
        regressor([0.5])


def test_without_nilearn_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = builtins.__import__

    def without(name: str, *args: Any, **how: Any) -> Any:
        if name.startswith("nilearn"):
            raise ImportError(name)
        return found(name, *args, **how)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r'pip install "avfbel\[neuro\]"'):
        regressor([0.5], (3.0, 3.0, "happy"))


@pytest.fixture(scope="module")
def shown(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shown")
    for source, name in (
        ("plain.mp4", "happy.mp4"),
        ("sound.wav", "happy.wav"),
        ("plain.mp4", "sad_mus.mp4"),
    ):
        (folder / name).write_bytes((clips / source).read_bytes())
    (folder / "happy.json").write_text("{}")
    return folder


EVENTS = (
    "onset\tduration\ttrial_type\n"
    "2\t3\thappy_anim\n11\t3\thappy_mus\n20\t3\tsad_mus\n24\tn/a\tcatch_response\n"
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = tmp_path / "sub-01_task-viewing_run-01_events.tsv"
    path.write_text(EVENTS)
    return path


def test_each_trial_is_traced_with_the_sense_it_spoke_to(shown: Path, run: Path, bundle: Path) -> None:
    plan = plan_design(run, regions=("V1",), clips=shown, tr=TR, n_scans=N_SCANS)
    assert plan.clips is not None
    assert {kind: path.name for kind, path in plan.clips.items()} == {
        "happy_anim": "happy.mp4",
        "happy_mus": "happy.wav",
        "sad_mus": "sad_mus.mp4",
    }
    traced = trace_clips(plan.clips, model=bundle, hop=1.0)
    assert [bool(of["V1"].any()) for of in traced.values()] == [True, False, False]
    assert [bool(of["PYR"].any()) for of in traced.values()] == [False, True, True]


def test_what_is_not_there_is_named_all_at_once(shown: Path, tmp_path: Path) -> None:
    trials = events_of((0, 1, "angry"), (1, 1, "scared")).trials
    with pytest.raises(
        InputError, match=r"angry_mus \(no file\), scared_mus \(no file\); name each clip after"
    ):
        find_clips(shown, trials)
    for name in ("angry.wav", "angry.mp3"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError, match=r"angry_mus \(angry\.mp3, angry\.wav\)"):
        find_clips(tmp_path, trials)
    with pytest.raises(UsageError, match="there is no folder"):
        find_clips(tmp_path / "elsewhere", trials)


def test_a_design_is_written_with_what_it_was_made_of(
    shown: Path, run: Path, bundle: Path, tmp_path: Path
) -> None:
    plan = plan_design(
        run, regions=("amygdala",), clips=shown, tr=TR, n_scans=N_SCANS, columns=["epp", "amygdala"]
    )
    table, sidecar = save_design(plan, tmp_path, model=bundle, hop=1.0)
    assert [table.name, sidecar.name] == [
        f"sub-01_task-viewing_run-01_design.{end}" for end in ("tsv", "json")
    ]
    read, told = pd.read_csv(table, sep="\t"), pd.read_json(sidecar, typ="series")
    assert list(read) == told["Columns"]
    assert list(read)[:3] == ["stimulus", "epp", "region_amygdala"]
    assert len(read) == N_SCANS
    assert told["Settings"] == {"tr": TR, "n_scans": N_SCANS, "hrf": "spm", "slice_time_ref": 0.0}
    assert list(told["Clips"]) == ["happy_anim", "happy_mus", "sad_mus"]
    traced = trace_clips(plan.clips or {}, model=bundle, hop=1.0)
    want = design_matrix(
        plan.events,
        lambda t: traced[f"{t.stimulus}_{'mus' if t.modality == 'music' else 'anim'}"],
        tr=TR,
        n_scans=N_SCANS,
        columns=plan.columns,
    )
    np.testing.assert_allclose(read, want, rtol=1e-12, atol=1e-15)


def test_one_clip_can_be_what_every_trial_shows(clips: Path, run: Path, bundle: Path, tmp_path: Path) -> None:
    traces: Traces = trace(clips / "plain.mp4", model=bundle, hop=0.5)
    plan = plan_design(run, regions=traces.regions, tr=TR, n_scans=N_SCANS)
    read = pd.read_csv(save_design(plan, tmp_path, traces=traces)[0], sep="\t")
    want = design_matrix(plan.events, traces, tr=TR, n_scans=N_SCANS)
    np.testing.assert_allclose(read["epp"], want["epp"], rtol=1e-12, atol=1e-15)
    with pytest.raises(ValueError, match="the traces that every trial shows are needed"):
        save_design(plan, tmp_path)
