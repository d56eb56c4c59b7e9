from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avfbel.data.norms import load_norms
from avfbel.errors import UsageError
from avfbel.learn.protocols import (
    PROTOTYPES,
    Fold,
    check_folds,
    ingredients,
    k_fold,
    leave_group_out,
    leave_prototype_out,
    make_folds,
    training_mean,
)

STIMULI = load_norms().stimuli
CLIPS = np.repeat(STIMULI, 3)


def test_leave_stimulus_out_predicts_every_clip_once_and_holds_out_all_of_a_stimulus() -> None:
    folds = make_folds("leave-stimulus-out", stimulus=CLIPS)
    assert [fold.name for fold in folds] == list(STIMULI)
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(len(CLIPS)))
    for fold in folds:
        assert set(CLIPS[fold.test]) == {fold.name}
        assert len(fold.train) + len(fold.test) == len(CLIPS)


def test_leave_prototype_out_holds_out_the_prototype_and_its_twelve_mixes() -> None:
    folds = make_folds("leave-prototype-out", stimulus=STIMULI)
    assert [fold.name for fold in folds] == list(PROTOTYPES)
    assert sum(len(fold.test) for fold in folds) == 65
    for fold in folds:
        held_out = {STIMULI[i] for i in fold.test}
        others = [name for name in PROTOTYPES if name != fold.name]
        mixes = {
            f"{'_'.join(sorted((fold.name, other)))}_{share}" for other in others for share in (25, 50, 75)
        }
        assert held_out == {fold.name} | mixes
        training = {STIMULI[i] for i in fold.train}
        assert len(training) == 25
        assert not any(fold.name in name for name in training)
        assert {"search_one", "search_four", "biggest_gap"} <= training


def test_the_38_names_are_5_prototypes_30_mixes_and_3_more() -> None:
    assert sorted(len(ingredients(name)) for name in STIMULI) == [0] * 3 + [1] * 5 + [2] * 30


def test_leave_prototype_out_is_refused_for_other_stimuli() -> None:
    with pytest.raises(UsageError, match=r"no clip holds the prototype 'angry'.*use leave-stimulus-out"):
        leave_prototype_out(["film a", "film b"])


@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=2).filter(lambda s: len(set(s)) > 1),
    st.integers(0, 5),
    st.data(),
)
def test_k_fold_holds_each_stimulus_out_once_and_keeps_it_together(
    stimulus: list[str], seed: int, data: st.DataObject
) -> None:
    k = data.draw(st.integers(2, len(set(stimulus))))
    folds = make_folds("k-fold", stimulus=stimulus, k=k, seed=seed)
    assert len(folds) == k
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(len(stimulus)))
    sizes = [len({stimulus[i] for i in fold.test}) for fold in folds]
    assert max(sizes) - min(sizes) <= 1
    check_folds(folds, stimulus=stimulus)


def test_k_fold_depends_on_the_seed_alone() -> None:
    def tests(seed: int) -> list[list[int]]:
        return [fold.test.tolist() for fold in k_fold(CLIPS, k=5, seed=seed)]

    assert tests(1) == tests(1) != tests(2)


@pytest.mark.parametrize("k", [0, 1, 39])
def test_k_fold_refuses_a_k_that_cannot_be(k: int) -> None:
    with pytest.raises(UsageError, match=f"38 stimuli cannot be divided into {k} folds: choose 2 to 38"):
        k_fold(CLIPS, k=k)


def test_leave_group_out_holds_out_a_column() -> None:
    folds = make_folds(
        "leave-group-out:speaker",
        stimulus=["1", "2", "3", "4"],
        groups={"speaker": ["eva", "tom", "eva", "tom"]},
    )
    assert [(fold.name, fold.train.tolist(), fold.test.tolist()) for fold in folds] == [
        ("eva", [1, 3], [0, 2]),
        ("tom", [0, 2], [1, 3]),
    ]


def test_a_stimulus_split_by_a_column_is_refused() -> None:
    with pytest.raises(
        UsageError, match="eva: the stimulus 'hello' would be learned from and predicted at once"
    ):
        make_folds(
            "leave-group-out:speaker",
            stimulus=["hello", "bye", "hello"],
            groups={"speaker": ["eva", "eva", "tom"]},
        )


def test_a_planted_split_is_refused_whoever_made_the_folds() -> None:
    split = Fold(name="planted", train=np.array([0, 1]), test=np.array([2]))
    with pytest.raises(UsageError, match="planted: the stimulus 'sad'"):
        check_folds([split], stimulus=["happy", "sad", "sad"])
    check_folds([split], stimulus=["happy", "angry", "sad"])


def test_an_empty_side_is_refused() -> None:
    nothing = np.array([], dtype=np.intp)
    with pytest.raises(UsageError, match="no clips are left to learn from"):
        check_folds([Fold(name="a", train=nothing, test=np.array([0]))], stimulus=["a"])
    with pytest.raises(UsageError, match="no clips are left to predict"):
        check_folds([Fold(name="a", train=np.array([0]), test=nothing)], stimulus=["a"])


def test_errors_name_the_remedy() -> None:
    with pytest.raises(UsageError, match=r"no protocol 'loso': choose one of leave-stimulus-out, .*k-fold"):
        make_folds("loso", stimulus=CLIPS)
    with pytest.raises(
        UsageError, match="no column 'film' to hold groups out by: there are speaker, stimulus"
    ):
        make_folds("leave-group-out:film", stimulus=["a", "b"], groups={"speaker": ["x", "y"]})
    with pytest.raises(UsageError, match="there are stimulus; a column must say the same in all ratings"):
        make_folds("leave-group-out:film", stimulus=["a", "b"])
    with pytest.raises(UsageError, match="clip 2 has no speaker"):
        leave_group_out(["eva", ""], what="speaker")
    with pytest.raises(UsageError, match="one stimulus cannot be held out when there is only 1"):
        make_folds("leave-stimulus-out", stimulus=["a", "a"])


def test_training_mean_ignores_what_is_not_rated() -> None:
    folds = make_folds("leave-stimulus-out", stimulus=["a", "b", "c"])
    np.testing.assert_equal(training_mean(folds, [np.nan, 0.2, 0.6]), [0.4, 0.6, 0.2])
    np.testing.assert_equal(training_mean(folds, [0.3, np.nan, np.nan]), [np.nan, 0.3, 0.3])
