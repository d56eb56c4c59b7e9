"""What our estimators share: scikit-learn's conventions, which the base install brings along."""

from __future__ import annotations

from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.exceptions import NotFittedError


class Estimator(MultiOutputMixin, RegressorMixin, BaseEstimator):  # type: ignore[misc]  # it has no types
    """A regressor of several outputs; its parameters are the keyword-only arguments of ``__init__``."""


def not_fitted(estimator: Estimator) -> Exception:
    """Return scikit-learn's NotFittedError for an estimator that was asked to predict before it learned."""
    error: Exception = NotFittedError(
        f"this {type(estimator).__name__} has not learned anything yet: call fit first"
    )
    return error
