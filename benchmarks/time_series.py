"""Predict the next value of Lorenz and Mackey–Glass series: brain emotional learning beside its peers.

    python benchmarks/time_series.py [--seeds 5] [--out benchmarks/results/time_series.json]

Each series is integrated with fourth-order Runge–Kutta; its first 2000 values after the transient are the
training part, the next 1000 the test. Everything is scaled by the training part. All models see the last
`depth` values and predict the next; depth, rates, penalties and layers are those with the least error on
the last quarter of the training part, after learning from the rest; then the model learns from all of it.
The error is NRMSE, the root mean square error over the standard deviation of the test values: mean and
standard deviation over seeds.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPRegressor

from avfbel.brain import BrainEmotionalLearning, LimbicParameters, limbic_output
from avfbel.brain.bel import last_windows, on_off_channels
from avfbel.brain.limbic import LimbicState, initial_state
from avfbel.brain.limbic_learning import limbic_fit, shuffled_passes

Array = NDArray[np.float64]
TRAIN, TEST, VALIDATION = 2000, 1000, 500
DEPTHS = (1, 2, 4, 8, 16)
ALPHAS, RATIOS, KAPPAS, EPOCHS = (0.05, 0.1, 0.2, 0.4, 0.8), (0.5, 1.0, 2.0, 4.0), (0.0, 0.25), (30, 100, 300)
PENALTIES, LAYERS, DECAYS = np.logspace(-8, 2, 11), ((16,), (64,)), (1e-6, 1e-3)


def main() -> None:
    """Choose, train and test every model on every series; print and save the errors."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    results = {}
    for name, series in {"lorenz": lorenz(), "mackey-glass": mackey_glass()}.items():
        results[name] = compare(series, options.seeds)
        for model, found in results[name].items():
            chosen = ", ".join(f"{key} {value}" for key, value in found["chosen"].items())
            print(f"{name:13s} {model:12s} NRMSE {found['nrmse']:.4f} ± {found['sd']:.4f}  {chosen}")
    if options.out:
        report = {"command": "python benchmarks/time_series.py", "seeds": options.seeds, "results": results}
        report |= {"python": platform.python_version(), "sklearn": sklearn.__version__}
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def lorenz(*, dt: float = 0.01, every: int = 5, transient: int = 2000) -> Array:
    """Return x of the Lorenz system (sigma 10, rho 28, beta 8/3), one value each 0.05, after 20."""

    def flow(s: Array) -> Array:
        x, y, z = s
        return np.array([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])

    state, values = np.array([1.0, 1.0, 1.0]), []
    for _ in range(transient + every * (TRAIN + TEST + 1)):
        a = flow(state)
        b = flow(state + dt / 2 * a)
        c = flow(state + dt / 2 * b)
        d = flow(state + dt * c)
        state = state + dt / 6 * (a + 2 * b + 2 * c + d)
        values.append(state[0])
    return np.array(values[transient::every][: TRAIN + TEST + 1])


def mackey_glass(*, dt: float = 0.1, every: int = 10, delay: float = 17.0, transient: int = 5000) -> Array:
    """Return the Mackey–Glass series (0.2, 0.1, n = 10, delay 17) from 1.2, one value each 1, after 500.

    Between steps the delayed value is the mean of its neighbours.
    """
    lag = round(delay / dt)
    x = [1.2] * (lag + 1)

    def slope(now: float, past: float) -> float:
        return 0.2 * past / (1 + past**10) - 0.1 * now

    for _ in range(transient + every * (TRAIN + TEST + 1)):
        now, past, next_past = x[-1], x[-1 - lag], x[-lag]
        middle = (past + next_past) / 2
        a = slope(now, past)
        b = slope(now + dt / 2 * a, middle)
        c = slope(now + dt / 2 * b, middle)
        d = slope(now + dt * c, next_past)
        x.append(now + dt / 6 * (a + 2 * b + 2 * c + d))
    return np.array(x[lag + 1 :][transient::every][: TRAIN + TEST + 1])


def compare(series: Array, seeds: int) -> dict[str, dict]:
    """Return the error and the choices of every model."""
    past, following = series[:-1, None], series[1:]
    mean, deviation = past[:TRAIN].mean(), past[:TRAIN].std()
    low, high = following[:TRAIN].min(), following[:TRAIN].max()
    x, y = (past - mean) / deviation, (following - low) / (high - low)

    def nrmse(predicted: Array) -> float:
        error = predicted[TRAIN:] - y[TRAIN:]
        return float(np.sqrt((error**2).mean()) / y[TRAIN:].std())

    found = {"persistence": ({}, [nrmse((past[:, 0] - low) / (high - low))])}
    for name, choose in {"ridge": choose_ridge, "mlp": choose_mlp, "bel": choose_bel}.items():
        chosen, predict = choose(x, y)
        repeats = 1 if name == "ridge" else seeds  # ridge has no chance in it
        found[name] = (chosen, [nrmse(predict(seed)) for seed in range(repeats)])
    return {
        name: {"nrmse": float(np.mean(errors)), "sd": float(np.std(errors)), "chosen": chosen}
        for name, (chosen, errors) in found.items()
    }


Choice = tuple[dict, Callable[[int], Array]]


def windows(x: Array, depth: int) -> Array:
    """Return the last `depth` values of each row, shape (n, depth)."""
    return last_windows(x, np.zeros(len(x)), depth)


def validation_error(predicted: Array, y: Array) -> float:
    """Return the mean squared error on the last quarter of the training part."""
    part = slice(TRAIN - VALIDATION, TRAIN)
    return float(((predicted[part] - y[part]) ** 2).mean())


def choose_sklearn(x: Array, y: Array, models: dict[tuple, Callable[[int], object]], names: tuple) -> Choice:
    """Return the depth and model with the least validation error."""

    def predict(depth: int, make: Callable[[int], object], rows: int, seed: int) -> Array:
        z = windows(x, depth)
        return make(seed).fit(z[max(DEPTHS) : rows], y[max(DEPTHS) : rows]).predict(z)

    errors = {
        (depth, key): validation_error(predict(depth, make, TRAIN - VALIDATION, 0), y)
        for depth, (key, make) in product(DEPTHS, models.items())
    }
    depth, key = min(errors, key=errors.get)
    chosen = {"depth": depth, **dict(zip(names, key, strict=True))}
    return chosen, lambda seed: predict(depth, models[key], TRAIN, seed)


def choose_ridge(x: Array, y: Array) -> Choice:
    """Ridge regression."""
    models = {(float(p),): lambda seed, p=p: Ridge(alpha=p) for p in PENALTIES}
    return choose_sklearn(x, y, models, ("penalty",))


def choose_mlp(x: Array, y: Array) -> Choice:
    """A multi-layer perceptron."""

    def maker(layer: tuple[int, ...], decay: float) -> Callable[[int], MLPRegressor]:
        return lambda seed: MLPRegressor(
            hidden_layer_sizes=layer,
            alpha=decay,
            solver="lbfgs",
            activation="tanh",
            max_iter=1000,
            random_state=seed,
        )

    models = {(layer, decay): maker(layer, decay) for layer, decay in product(LAYERS, DECAYS)}
    return choose_sklearn(x, y, models, ("layer", "decay"))


def choose_bel(x: Array, y: Array) -> Choice:
    """Brain emotional learning; all its rates are tried at once, as a batch of models."""
    rates = [
        LimbicParameters(alpha=a, beta=min(0.9, ratio * a), kappa=k)
        for a, ratio, k in product(ALPHAS, RATIOS, KAPPAS)
    ]
    errors = {}
    for depth, epochs in product(DEPTHS, EPOCHS):
        cue = on_off_channels(windows(x, depth), context=1.0)
        order = shuffled_passes([np.arange(TRAIN - VALIDATION)], epochs)[0]
        naive = initial_state(cue.shape[1], 1, models=(len(rates),))
        learned = limbic_fit(naive, cue, y[:, None], order, rates)
        for i, p in enumerate(rates):
            said = limbic_output(LimbicState(*(w[i] for w in learned)), cue, p).emotion[:, 0]
            errors[depth, epochs, p] = validation_error(said, y)
    depth, epochs, p = min(errors, key=errors.get)
    chosen = {"depth": depth, "epochs": epochs, "alpha": p.alpha, "beta": p.beta, "kappa": p.kappa}

    def predict(seed: int) -> Array:
        bel = BrainEmotionalLearning(context=1.0, random_state=seed, **chosen)
        rows = np.zeros(len(x))  # one clip
        return bel.fit(x[:TRAIN], y[:TRAIN], clips=rows[:TRAIN]).predict(x, clips=rows)

    return chosen, predict


if __name__ == "__main__":
    main()
