"""The final comparison: every model on the same clips and folds, from an existing corpus.

python benchmarks/accuracy.py --corpus CORPUS [--models avf-bel,bel,ridge] [--out FILE.json]

Writes the figures (benchmarks/results/accuracy.json) and docs/images/accuracy.png. Finished folds are kept in
FILE.json.parts: the same command goes on where it was broken off.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from avfbel.data import Dataset, load_dataset, load_norms
from avfbel.learn import Evaluation, cross_validate
from avfbel.learn.candidates import CONFIGURATIONS, Settings, circuit
from avfbel.learn.compare import compare
from avfbel.learn.intervals import Cases, score_all, score_difference
from avfbel.learn.resume import Kept, digest_data
from avfbel.runtime.bundle import Bundle

ROOT = Path(__file__).parents[1]
MODELS = (
    "avf-bel", "m-bel", "a-bel", "bel", "ridge", "gp", "svr", "mlp", "transformer", "late-fusion", "mean",
)  # fmt: skip
PROTOCOLS = ("leave-stimulus-out", "leave-prototype-out")
TARGETS = ("epp", "valence")
SEARCH_POINTS = "search_"


def main() -> None:
    """Evaluate, compare, draw and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus")
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--exemplars", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "accuracy.json")
    parser.add_argument("--figure", type=Path, default=ROOT / "docs" / "images" / "accuracy.png")
    asked = parser.parse_args()

    def tell(stage: str, done: int, total: int) -> None:
        print(f"{stage}: {done} of {total}", end="\r", file=sys.stderr)

    data = load_dataset("sievers2021", corpus=asked.corpus, exemplars=asked.exemplars, progress=tell)
    kept = Kept(asked.out.with_name(f"{asked.out.name}.parts"), digest_data(data))
    found: dict[str, list[Evaluation]] = {protocol: [] for protocol in PROTOCOLS}
    seconds: dict[str, float] = {}
    for model in asked.models.split(","):
        start = time.monotonic()
        for protocol in PROTOCOLS:
            found[protocol].append(
                cross_validate(model, data, protocol, kept=kept, jobs=asked.jobs, progress=tell)
            )
        seconds[model] = round(time.monotonic() - start, 1)
        print(f"{model}: {seconds[model]:.0f} s", flush=True)
    result = {
        "clips": data.n_clips,
        "seconds": seconds,
        "metrics": {
            of.model: {protocol: _of(found, protocol, of.model).metrics() for protocol in PROTOCOLS}
            for of in found[PROTOCOLS[0]]
        },
        "without_search_points": {of.model: _without_search(of) for of in found["leave-stimulus-out"]},
        "differences": {protocol: _differences(found[protocol]) for protocol in PROTOCOLS},
        "fusion": {protocol: _fusion(_of(found, protocol, "avf-bel")) for protocol in PROTOCOLS},
        "costs": _costs(),
    }
    asked.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for model, by_protocol in result["metrics"].items():
        for protocol, metrics in by_protocol.items():
            print(model, protocol, _line(metrics))
    draw(_of(found, "leave-stimulus-out", "avf-bel"), data, asked.figure)


def _of(found: dict[str, list[Evaluation]], protocol: str, model: str) -> Evaluation:
    return next(one for one in found[protocol] if one.model == model)


def _line(metrics: dict[str, Any]) -> str:
    fused = metrics.get("fused") or next(iter(metrics.values()))
    return " ".join(
        f"{name} r {of['r']:.2f} nEV {of['nev'] or float('nan'):.2f}" for name, of in fused.items()
    )


def _without_search(result: Evaluation) -> dict[str, Any]:
    """Return r and R² without the points that a search found, which are no mixes of emotions."""
    kept = ~np.char.startswith(result.stimulus, SEARCH_POINTS)
    told: dict[str, Any] = {}
    for modality in ("audio", "video", "fused"):
        for column, target in enumerate(TARGETS):
            rows = kept & (result.modality == modality)
            if rows.any():
                cases = Cases(
                    *(table[rows, column] for table in (result.observed, result.predicted, result.baseline)),
                    result.stimulus[rows],
                )
                scored = score_all(cases)
                told.setdefault(modality, {})[target] = {name: _plain(scored[name]) for name in ("r", "r2")}
    return told


def _differences(results: Sequence[Evaluation]) -> list[dict[str, Any]]:
    """Return the paired differences of avf-bel and each other model in r, with intervals over stimuli."""
    own = next(one for one in results if one.model == "avf-bel")
    rows: list[dict[str, Any]] = []
    for other in results:
        if other.model != "avf-bel":
            table = compare([own, other], metrics=("r", "r2"))
            rows += json.loads(table.to_json(orient="records", double_precision=4))
    return rows


def _fusion(result: Evaluation) -> dict[str, Any]:
    """Return by how much both senses do better than one: each on its own ratings, and on the fused ones."""
    told: dict[str, Any] = {}
    for alone in ("audio", "video"):
        for target in TARGETS:
            both, one = result.select("fused", target), result.select(alone, target)
            assert (both.stimulus == one.stimulus).all()
            fused = Cases(both.observed, both.predicted, both.baseline, both.stimulus)
            own = Cases(one.observed, one.predicted, one.baseline, one.stimulus)
            same = Cases(both.observed, one.predicted, both.baseline, both.stimulus)
            told.setdefault(alone, {})[target] = {
                "each_on_its_own_ratings": _plain(_difference_in_r(fused, own)),
                "both_on_the_fused_ratings": _plain(score_difference(fused, same)["r"]),
            }
    return told


def _difference_in_r(first: Cases, second: Cases, n_draws: int = 2000) -> list[float]:
    """Return the difference in r of predictions of other ratings of the same stimuli, with its interval."""
    names, cluster = np.unique(first.clusters, return_inverse=True)
    members = [np.flatnonzero(cluster == number) for number in range(len(names))]
    rng = np.random.default_rng(0)

    def difference(rows: Any) -> float:
        r = [np.corrcoef(cases.observed[rows], cases.predicted[rows])[0, 1] for cases in (first, second)]
        return float(r[0] - r[1])

    draws = [
        difference(np.concatenate([members[i] for i in rng.integers(len(names), size=len(names))]))
        for _ in range(n_draws)
    ]
    return [difference(np.arange(len(cluster))), *np.quantile(draws, (0.025, 0.975))]


def _plain(interval: Any) -> list[float]:
    return [round(float(number), 4) for number in interval]


def _costs() -> dict[str, dict[str, int]]:
    """Return what each circuit fits to ratings, what else it holds, and operations a window."""
    limbic = ("thalamus", "amygdala", "orbitofrontal cortex", "prefrontal cortex")
    told = {}
    for name in ("avf-bel", "m-bel", "a-bel", "bel"):
        model = circuit(name, Settings())
        table = model.parameter_table()
        fitted = sum(cost.trained for cost in table if cost.module in limbic or name not in _WITH_CORTEX)
        told[name] = {
            "fitted_to_ratings": fitted,
            "other_parameters": sum(cost.trained for cost in table) - fitted,
            "operations_a_window": sum(cost.operations for cost in table),
        }
    return told


_WITH_CORTEX = frozenset(CONFIGURATIONS) & {"avf-bel", "m-bel", "a-bel"}


def draw(result: Evaluation, data: Dataset, path: Path) -> None:
    """Draw predicted against rated EPP of the 38 stimuli, with intervals and the ceiling."""
    from matplotlib.figure import Figure

    norms = load_norms()
    intervals = Bundle.open("default").card.get("intervals") or {}
    figure = Figure(figsize=(11, 4.2), layout="constrained", dpi=150)
    axes = figure.subplots(1, 3, sharex=True, sharey=True)
    titles = {"audio": "sound alone", "video": "picture alone", "fused": "both"}
    for ax, (kind, title) in zip(axes, titles.items(), strict=True):
        held = result.select(kind, "epp")
        width = (intervals.get(kind) or {}).get("half_width")
        ax.plot([0.1, 0.9], [0.1, 0.9], color="0.7", lw=1, zorder=0)
        if width is not None:
            ax.errorbar(held.observed, held.predicted, yerr=width, fmt="none", ecolor="0.8", lw=1, zorder=1)
        search = np.char.startswith(held.stimulus, SEARCH_POINTS)
        ax.plot(held.observed[~search], held.predicted[~search], "o", color="#1f4e79", ms=4)
        ax.plot(held.observed[search], held.predicted[search], "s", color="#c55a11", ms=4)
        rho = data.reliability[kind]["epp"]
        r = float(np.corrcoef(held.observed, held.predicted)[0, 1])
        ax.set_title(f"{title}: r = {r:.2f}, ceiling {np.sqrt(rho):.2f}", fontsize=10)
        ax.set_xlabel("rated EPP")
    axes[0].set_ylabel("predicted EPP, stimulus held out")
    label = "bars: calibrated 90 % interval of a window; squares: points found by search"
    figure.suptitle(f"{len(norms.stimuli)} stimuli; {label}", fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


if __name__ == "__main__":
    main()
