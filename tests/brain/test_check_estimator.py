"""scikit-learn's own checks of an estimator."""

from collections.abc import Callable

from sklearn.utils.estimator_checks import parametrize_with_checks

from avfbel.brain import BrainEmotionalLearning


# Depth 1: with more, `fit` needs to know which rows belong to one clip, which the checks cannot say.
@parametrize_with_checks([BrainEmotionalLearning(), BrainEmotionalLearning(rule="belbic", context=1.0)])
def test_it_keeps_the_conventions(
    estimator: BrainEmotionalLearning, check: Callable[[BrainEmotionalLearning], None]
) -> None:
    check(estimator)
