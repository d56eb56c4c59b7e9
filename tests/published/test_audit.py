from __future__ import annotations

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support
from typer.testing import CliRunner

from avfbel.emotion import RATING_COLUMNS, published_epp
from avfbel.errors import InputError
from avfbel.published.audit import audit, run, visual_cortex_parameters
from avfbel.published.audit_text import audit_text
from avfbel.published.released import WEIGHT_FILES, ReleasedWeights, generate, load_pairs, load_weights
from avfbel.published.similarity import binary_scores, min_max, published_similarity

needs_data = pytest.mark.skipif(
    not os.environ.get("AVFBEL_DATA"), reason="AVFBEL_DATA names no folder of published ratings"
)
values = st.lists(st.floats(0, 1, allow_subnormal=False), min_size=3, max_size=20)


def write_release(folder: Path, *, n_raters: int = 3, anger: str = "7") -> Path:
    """Write a miniature of the released tables and weights, with one anger that may be missing."""
    rng = np.random.default_rng(0)
    stimuli = {"happy": (120.0, 10.0), "peaceful_scared_50": (60.0, 2.5), "sad": (40.0, 0.0)}
    (folder / "published").mkdir(parents=True)
    ratings = ["participant,stimulus,modality," + ",".join(RATING_COLUMNS)]
    features = ["stimulus,participant,pitch_mean,tonnetz_mean,rms_mean,tempo_mean,duration_mean"]
    for stimulus in stimuli:
        for rater in range(n_raters):
            for modality in ("music", "animation"):
                five = [str(value) for value in rng.integers(0, 128, 5)]
                if (stimulus, rater, modality) == ("sad", 0, "music"):
                    five[2] = anger
                ratings.append(",".join([str(rater), stimulus, modality, *five]))
            features.append(",".join([stimulus, str(rater), *(f"{value:.6f}" for value in rng.random(5))]))
    parameters = ["stimulus,bpm,jitter", *(f"{name},{bpm},{jit}" for name, (bpm, jit) in stimuli.items())]
    for name, lines in (("ratings", ratings), ("acoustic_features", features), ("stimuli", parameters)):
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    for name in WEIGHT_FILES:
        weights = {"vi": rng.random((1, 2)), "wi": rng.random((1, 2)), "we": rng.random((2, 2))}
        given = {key: of.tolist() for key, of in weights.items()}
        (folder / "published" / f"weights-{name}.json").write_text(json.dumps({**given, "eta": 1e-4}))
    return folder


@given(values, st.floats(0, 3), st.floats(0.01, 3))
@settings(max_examples=50)
def test_the_similarity_grows_with_the_error(target: list[float], error: float, more: float) -> None:
    t = np.array(target)
    if np.ptp(t) < 1e-3:
        assert math.isnan(published_similarity(np.full_like(t, t[0]), t))
        return
    assert published_similarity(t, t) == pytest.approx(100 / math.e)
    assert published_similarity(t + error + more, t) > published_similarity(t + error, t)


@given(values, st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_above_all_ratings_the_similarity_cannot_tell_which_rating_is_whose(target: list[float], rng) -> None:
    shuffled = target.copy()
    rng.shuffle(shuffled)
    generated = np.linspace(2, 5, len(target))
    assert published_similarity(generated, target) == pytest.approx(published_similarity(generated, shuffled))


@given(values, values)
@settings(max_examples=50)
def test_binary_scores_are_those_of_scikit_learn(said: list[float], true: list[float]) -> None:
    n = min(len(said), len(true))
    p, t = np.array(said[:n]), np.array(true[:n])
    wanted = precision_recall_fscore_support(t > 0.4, p > 0.4, average="binary", zero_division=np.nan)[:3]
    np.testing.assert_allclose(binary_scores(p, t, cut=0.4), wanted)


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match=r"generated has shape \(2,\), target \(3,\): both must be \(n,\)"):
        published_similarity([1.0, 2.0], [1.0, 2.0, 3.0])


def test_the_forward_pass_is_the_printed_sum() -> None:
    rng = np.random.default_rng(1)
    w = ReleasedWeights(
        name="", v=rng.normal(size=2), w=rng.normal(size=2), we=rng.normal(size=(2, 2)), rate=0
    )
    x1, x2 = rng.normal(size=(2, 6))
    wanted = []
    for one, two in zip(x1, x2, strict=True):
        total = max(one, two)
        for j in range(2):
            total += one * w.v[j] - two * w.w[j]
            for i in range(2):
                total -= w.we[i, j] * one * w.v[j]
        wanted.append(total)
    np.testing.assert_allclose(generate(x1, x2, w), wanted, rtol=1e-12)


def test_pairs_join_ratings_parameters_and_features(tmp_path: Path) -> None:
    pairs = load_pairs(write_release(tmp_path))
    assert pairs.stimulus.tolist() == ["happy"] * 3 + ["peaceful_scared_50"] * 3 + ["sad"] * 3
    assert pairs.participant.tolist() == [0, 1, 2] * 3
    assert pairs.parameters[3:6].tolist() == [[60.0, 2.5]] * 3
    rows = [line.split(",") for line in (tmp_path / "ratings.csv").read_text().splitlines()[1:]]
    music = [[float(cell) for cell in row[3:]] for row in rows if row[2] == "music"]
    np.testing.assert_allclose(pairs.music_epp, published_epp(music), atol=1e-12)
    np.testing.assert_allclose(10 * (pairs.leaky - pairs.parameters), np.tile(pairs.animation, (2, 1)).T)


def test_a_known_gap_is_filled_as_released_and_another_is_refused(tmp_path: Path) -> None:
    filled = load_pairs(write_release(tmp_path / "known", anger=""))
    zero = load_pairs(write_release(tmp_path / "zero", anger="0"))
    np.testing.assert_array_equal(filled.music, zero.music)
    path = write_release(tmp_path / "other") / "ratings.csv"
    lines = path.read_text().splitlines()
    lines[1] = ",".join([*lines[1].split(",")[:-1], ""])
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match="no complete rating of 'happy' by participant 0: fetch it again"):
        load_pairs(path.parent)


def test_an_audit_of_any_release_holds_together(tmp_path: Path) -> None:
    folder = write_release(tmp_path / "data")
    found = audit(load_pairs(folder), load_weights(folder))
    assert found["similarity"]["perfect"] == pytest.approx(100 / math.e)
    assert math.isnan(found["similarity"]["constant"])
    assert found["leak"]["r_within_stimulus"] == pytest.approx(1)
    assert found["copies"]["similarity_of_ten_copies"] == pytest.approx(found["copies"]["similarity"])
    assert found["copies"]["rows"] == found["copies"]["different_pairs"] == 9
    text = run(folder, tmp_path / "out", rerun=False)
    assert text == audit_text(found)
    assert (tmp_path / "out" / "audit.md").read_text() == text.rstrip() + "\n"
    stored = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert stored["headline"]["similarity"] == pytest.approx(found["headline"]["similarity"])
    assert stored["similarity"]["constant"] is None
    assert (tmp_path / "out" / "audit.csv").read_text().startswith("name,value\nheadline.n,9\n")


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        (
            "published/weights-music.json",
            None,
            FileNotFoundError,
            "no released weights at .*music.json",
        ),
        ("published/weights-fused.json", "{}", InputError, "does not read as released weights"),
        (
            "published/weights-fused.json",
            '{"vi": [[1]], "wi": [[1, 2]], "we": [[1, 2], [3, 4]], "eta": 1}',
            InputError,
            "vi and wi must be 1 x 2",
        ),
        ("stimuli.csv", None, FileNotFoundError, r"no table at .*stimuli.csv: run `avfbel data fetch"),
        ("stimuli.csv", "stimulus,bpm\nsad,1\n", InputError, "no column jitter: is it the released table"),
        ("stimuli.csv", "stimulus,bpm,jitter\nsad,x,1\n", InputError, "bpm of sad is 'x', not a number"),
        ("stimuli.csv", "stimulus,bpm,jitter\nsad,1,1\n", InputError, "stimuli.csv has no 'happy'"),
        ("acoustic_features.csv", "", InputError, "no column stimulus, participant"),
    ],
)
def test_a_release_that_cannot_be_used_is_named(
    tmp_path: Path, name: str, content: str | None, error: type[Exception], message: str
) -> None:
    folder = write_release(tmp_path)
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content)
    with pytest.raises(error, match=message):
        audit(load_pairs(folder), load_weights(folder))


def test_the_printed_visual_cortex_has_as_many_parameters_as_its_layers() -> None:
    nn = pytest.importorskip("torch.nn")
    layers = [nn.Conv2d(5, 64, 7), nn.Conv2d(64, 128, 3), nn.Conv2d(128, 256, 3), nn.Conv2d(256, 512, 3)]
    assert visual_cortex_parameters() == sum(p.numel() for layer in layers for p in layer.parameters())


def test_a_constant_has_no_min_max() -> None:
    assert np.isnan(min_max([2.0, 2.0])).all()


@needs_data
def test_the_released_weights_give_the_published_numbers() -> None:
    found = audit(load_pairs(), load_weights())
    h, s, c = found["headline"], found["similarity"], found["cells"]
    assert [round(h[name], 2) for name in ("similarity", "ratings_shuffled", "ratings_all_zero")] == [
        77.69,
        77.69,
        77.71,
    ]
    assert (h["n"], round(h["r"], 3), round(h["r2"], 2)) == (760, -0.073, -3.70)
    assert (round(s["perfect"], 2), round(s["negated"], 1)) == (36.79, 75.0)
    rounded = {model: [round(value, 2) for value in c[model].values()] for model in ("m-bel", "avf-bel")}
    assert rounded == {"m-bel": [0.58, 0.47, 0.52, 49.05], "avf-bel": [0.79, 0.77, 0.78, 77.69]}
    assert round(c["all positive"]["f1"], 3) == 0.896
    assert found["leak"]["largest_error_of_recovered_rating"] < 1e-11


@needs_data
def test_the_command_prints_and_writes_the_audit(tmp_path: Path) -> None:
    import avfbel.cli.published  # noqa: F401 (enters its command)
    from avfbel.cli.app import app

    done = CliRunner().invoke(app, ["published", "audit", "--out", str(tmp_path / "o")])
    assert done.exit_code == 0, done.output
    for number in ("77.69", "36.79", "-0.073", "NaN"):
        assert number in done.stdout
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["audit.csv", "audit.json", "audit.md"]


@pytest.mark.parametrize("part", ["audit", "table2"])
def test_missing_data_are_named_with_the_remedy(part: str, tmp_path: Path) -> None:
    import avfbel.cli.published  # noqa: F401 (enters its command)
    from avfbel.cli.app import app

    done = CliRunner().invoke(app, ["published", part, "--data-dir", str(tmp_path / "absent")])
    assert done.exit_code in (1, 2)
    assert done.stderr.count("\n") == 1
    assert "run `avfbel data fetch sievers2021`, or point --data-dir" in done.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["audit", "--corpus", "here"], "--corpus belongs to `table2 --rerun`: leave it out"),
        (["table2", "--corpus", "here"], "--corpus belongs to `table2 --rerun`: leave it out"),
        (["table2", "--rerun"], "--rerun trains for a long time and keeps each cell in a folder"),
        (["audit", "--out", __file__], "is a file: name a folder"),
    ],
)
def test_a_wrong_request_is_named(words: list[str], sentence: str) -> None:
    import avfbel.cli.published  # noqa: F401 (enters its command)
    from avfbel.cli.app import app

    done = CliRunner().invoke(app, ["published", *words])
    assert done.exit_code == 2
    assert sentence in done.stderr
