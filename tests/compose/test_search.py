"""The search finds what is there, says so where it is not, and finds it again with the same seed."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avfbel.compose.choice import Rank, acceptable
from avfbel.compose.clips import Setting, Sketch, Tell, Written
from avfbel.compose.search import Composition, compose_clips
from avfbel.compose.space import NAMES, Space, diverse, parameters_at, position, positions_of
from avfbel.compose.surrogate import Surrogate
from avfbel.compose.table import encode_table
from avfbel.compose.wish import Wish
from avfbel.emotion import EMOTIONS
from avfbel.errors import UsageError
from avfbel.stimulus import StimulusParameters
from avfbel.stimulus.parameters import RANGES

Law = Callable[[np.ndarray, int], float]
NOISE = 0.004


def slope(place: np.ndarray, seed: int) -> float:
    """EPP rises with speed and consonance, from 0.2 to 0.8; clips of one setting differ a little."""
    noise = np.random.default_rng(seed).normal() * NOISE
    return float(np.clip(0.2 + 0.35 * place[0] + 0.25 * place[2] + noise, 0, 1))


class MadeUpWorld:
    """A world where EPP is a known function of the parameters, and a file says the same as its sketch."""

    def __init__(self, law: Law = slope, *, in_range: Callable[[np.ndarray], bool] = lambda place: True):
        self.law, self.in_range = law, in_range

    def judge(self, setting: Setting) -> Sketch:
        place = positions_of([setting.parameters])[0]
        epp = self.law(place, setting.seed)
        return Sketch(
            epp=epp,
            valence=epp,
            epp_low=epp - 0.1,
            epp_high=epp + 0.1,
            emotions=dict.fromkeys(EMOTIONS, 0.1) | {"calm": epp},
            in_range=self.in_range(place),
        )

    def sketch(self, settings: Sequence[Setting], tell: Tell, title: str) -> list[Sketch]:
        return [self.judge(setting) for setting in settings]

    def write(
        self, wanted: Sequence[tuple[Setting, str]], folder: Path, n_exemplars: int, tell: Tell
    ) -> list[Written]:
        written = []
        for setting, stem in wanted:
            media = folder / f"{stem}.mp4"
            media.write_text(setting.key)
            others = [Setting(setting.parameters, setting.seed + k) for k in range(1, n_exemplars + 1)]
            written.append(
                Written(
                    setting=setting,
                    files=(media,),
                    media=media,
                    told=self.judge(setting),
                    exemplars=tuple(self.judge(other) for other in others),
                )
            )
        return written


def run(
    out: Path, target: float = 0.5, *, world: MadeUpWorld | None = None, **options: object
) -> Composition:
    wish = Wish(quantity="epp", target=target)
    return compose_clips(world or MadeUpWorld(), wish, out, **{"budget": 60, **options})  # type: ignore[arg-type]


def spacing(places: np.ndarray) -> float:
    """Smallest distance of any two places."""
    gaps = np.linalg.norm(places[:, None] - places[None], axis=2)
    return float(gaps[np.triu_indices(len(places), 1)].min())


@pytest.mark.parametrize("target", [0.25, 0.5, 0.77])
def test_clips_have_what_was_asked_for_where_it_is_to_be_had(tmp_path: Path, target: float) -> None:
    found = run(tmp_path, target)
    assert found.reached
    assert len(found.clips) == 4
    for clip in found.clips:
        told = slope(positions_of([clip.parameters])[0], clip.written.setting.seed)
        assert clip.predicted == told
        assert abs(told - target) <= 0.02
        assert (clip.low, clip.high) == (pytest.approx(told - 0.1), pytest.approx(told + 0.1))
        assert clip.written.media.read_text() == clip.written.setting.key
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"epp0{round(100 * target)}_0{k}.mp4" for k in (1, 2, 3, 4)
    ]


def test_clips_lie_further_apart_than_the_nearest_ones_to_the_wish(tmp_path: Path) -> None:
    ratios = []
    for seed in range(5):
        found = run(tmp_path, seed=seed, budget=100)
        nearest = found.positions[np.argsort(np.abs(found.values - 0.5))[:4]]
        ratios.append(spacing(positions_of([clip.parameters for clip in found.clips])) / spacing(nearest))
    assert np.mean(ratios) > 1.3


def test_the_same_seed_gives_the_same_clips_and_another_seed_others(tmp_path: Path) -> None:
    tables = [encode_table(run(tmp_path / name, seed=seed)) for name, seed in (("a", 1), ("b", 1), ("c", 2))]
    assert tables[0] == tables[1]
    assert tables[0] != tables[2]


def test_what_cannot_be_had_is_said_and_approached(tmp_path: Path) -> None:
    found = run(tmp_path, 0.95)  # 0.8 is the most there is
    assert not found.reached
    assert found.clips[0].predicted > 0.75  # 60 clips at random would come as far once in a hundred times
    assert len(found.clips) == 4
    assert [clip.predicted for clip in found.clips] == sorted(
        (c.predicted for c in found.clips), reverse=True
    )


def test_as_much_as_can_be_of_an_emotion(tmp_path: Path) -> None:
    found = compose_clips(MadeUpWorld(), Wish(quantity="calm"), tmp_path, budget=60)
    best = 0.8 / 1.2
    assert best - 0.06 < found.clips[0].predicted < best + 0.01
    assert all(clip.low is None for clip in found.clips)  # the interval is one of EPP


def test_settings_in_range_are_preferred(tmp_path: Path) -> None:
    world = MadeUpWorld(in_range=lambda place: bool(place[4] < 0.4))
    assert all(clip.written.told.in_range for clip in run(tmp_path, world=world).clips)


def test_without_settings_in_range_the_others_are_taken(tmp_path: Path) -> None:
    found = run(tmp_path, world=MadeUpWorld(in_range=lambda place: False))
    assert found.reached
    assert len(found.clips) == 4
    assert not any(clip.written.told.in_range for clip in found.clips)


def test_ranges_are_kept(tmp_path: Path) -> None:
    found = run(tmp_path, ranges={"bpm": (60, 120), "updown": (10, 10)})
    for clip in found.clips:
        assert 60 <= clip.parameters.bpm <= 120
        assert clip.parameters.updown == 10


def test_the_scatter_of_clips_of_one_setting_is_told(tmp_path: Path) -> None:
    found = run(tmp_path)
    for clip in found.clips:
        place, seed = positions_of([clip.parameters])[0], clip.written.setting.seed
        values = [slope(place, seed + k) for k in range(5)]
        assert clip.setting_mean == pytest.approx(np.mean(values))
        assert clip.setting_sd == pytest.approx(np.std(values, ddof=1))


def test_clips_whose_file_is_not_what_the_sketch_promised_are_left_out(tmp_path: Path) -> None:
    class Deceived(MadeUpWorld):
        def sketch(self, settings: Sequence[Setting], tell: Tell, title: str) -> list[Sketch]:
            honest = super().sketch(settings, tell, title)
            return [sketch if k % 3 else self.bent(sketch) for k, sketch in enumerate(honest)]

        def bent(self, sketch: Sketch) -> Sketch:
            return Sketch(**{**vars(sketch), "epp": sketch.epp + 0.05})

    found = run(tmp_path, world=Deceived(), budget=120)
    assert found.reached
    assert all(abs(clip.predicted - 0.5) <= 0.02 for clip in found.clips)


def test_the_table_holds_every_clip(tmp_path: Path) -> None:
    found = run(tmp_path)
    rows = list(csv.DictReader(io.StringIO(encode_table(found).decode())))
    for row, clip in zip(rows, found.clips, strict=True):
        assert row["media"] == clip.written.media.name
        assert StimulusParameters(**{n: float(row[n]) for n in NAMES}) == clip.parameters
        assert (float(row["predicted"]), float(row["target"])) == (clip.predicted, 0.5)
        assert (float(row["low"]), float(row["high"]), row["in_range"]) == (clip.low, clip.high, "true")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"count": 0}, "number of clips must be from 1 to 50"),
        ({"within": 0.0}, "more than 0 and at most 1"),
        ({"budget": 3}, "at least 12 clips"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"ranges": {"tempo": (1, 2)}}, "no parameter 'tempo'"),
        ({"ranges": {"bpm": (120, 60)}}, "range of bpm must lie within 30:400, from low to high"),
    ],
)
def test_wrong_requests_are_refused_before_any_work(tmp_path: Path, options: object, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        run(tmp_path / "out", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("quantity", "target"), [("joy", 1.0), ("epp", 1.1), ("valence", float("nan"))])
def test_wishes_that_nothing_can_meet_are_refused(quantity: str, target: float) -> None:
    with pytest.raises(UsageError):
        Wish(quantity=quantity, target=target)


clips_ = st.lists(st.tuples(st.floats(0, 1), st.sampled_from(list(Rank))), min_size=1, max_size=12)


@given(clips_)
def test_acceptable_clips_are_the_near_ones_or_else_the_nearest_of_the_best_rank(
    clips: list[tuple[float, Rank]],
) -> None:
    loss, rank = np.array([c[0] for c in clips]), np.array([c[1] for c in clips])
    groups = acceptable(loss, rank, 0.1)
    taken = [int(k) for group in groups for k in group]
    assert len(set(taken)) == len(taken)
    if (loss <= 0.1).any():
        assert set(taken) == set(np.flatnonzero(loss <= 0.1).tolist())
        assert rank[taken].tolist() == sorted(rank[taken])
    else:
        assert loss[taken[0]] == loss[rank == rank.min()].min()
        assert (rank[taken] == rank.min()).all()
        assert loss[taken].max() <= loss[taken[0]] + 0.3 + 1e-12


def test_a_lucky_clip_of_a_scattered_setting_is_not_taken(tmp_path: Path) -> None:
    def scattered(place: np.ndarray, seed: int) -> float:
        lucky = np.random.default_rng(seed).normal() * (0.2 if place[1] > 0.6 else 0.002)
        return float(np.clip(0.3 + 0.4 * place[0] + lucky, 0, 1))

    found = run(tmp_path, 0.55, world=MadeUpWorld(scattered), budget=100)
    assert len(found.clips) == 4
    for clip in found.clips:
        assert abs(clip.setting_mean - 0.55) <= 0.06
        assert clip.setting_sd < 0.1


@given(st.integers(1, 40), st.integers(0, 5), st.integers(0, 10**6))
@settings(max_examples=40)
def test_farthest_points_are_chosen_one_after_another(n_points: int, n: int, seed: int) -> None:
    places = np.random.default_rng(seed).random((n_points, 5))
    chosen = diverse(places, n)
    assert len(chosen) == len(set(chosen)) == min(n, n_points)
    for k in range(1, len(chosen)):
        gap = np.linalg.norm(places[:, None] - places[chosen[:k]], axis=2).min(axis=1)
        assert gap[chosen[k]] == pytest.approx(gap.max())


def test_points_fill_the_space_more_evenly_than_chance() -> None:
    space = Space.within()
    spread = space.spread(128, seed=4)
    assert (space.spread(64, seed=4) == spread[:64]).all()
    assert ((spread >= 0) & (spread <= 1)).all()
    nearest = np.linalg.norm(spread[:, None] - spread[None], axis=2) + 10 * np.eye(128)
    by_chance = [np.random.default_rng(k).random((128, 5)) for k in range(20)]
    gaps = [(np.linalg.norm(p[:, None] - p[None], axis=2) + 10 * np.eye(128)).min() for p in by_chance]
    assert nearest.min() > max(gaps)


@given(st.integers(0, 10**6))
@settings(max_examples=30)
def test_positions_and_parameters_turn_into_each_other(seed: int) -> None:
    places = Space.within({"jitter": (0, 50)}).random(4, np.random.default_rng(seed))
    parameters = parameters_at(places.copy())
    again = positions_of(parameters)
    free = [0, 1, 3, 4]
    assert again[:, free] == pytest.approx(places[:, free], abs=2e-3)
    assert again[:, 2] == pytest.approx(places[:, 2], abs=0.5 / 37 + 2e-3)  # one index of 37
    for point in parameters:
        assert all(low <= getattr(point, name) <= high for name, (low, high) in RANGES.items())
    assert position(np.array([[np.sqrt(30 * 400), 0, 0, 0, 0]]))[0, 0] == pytest.approx(0.5)


def test_the_surrogate_learns_the_law_and_its_noise() -> None:
    places = Space.within().spread(96, seed=0)
    values = np.array([slope(place, 1000 + k) for k, place in enumerate(places)])
    surrogate = Surrogate(places, values)
    fresh = np.random.default_rng(9).random((50, 5))
    mean, sd = surrogate.predict(fresh)
    truth = 0.2 + 0.35 * fresh[:, 0] + 0.25 * fresh[:, 2]
    assert np.abs(mean - truth).max() < 0.02
    assert np.mean(np.abs(mean - truth) <= 3 * sd + 1e-3) > 0.9
    assert 0.5 * NOISE < surrogate.noise < 2 * NOISE
