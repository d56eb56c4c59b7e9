"""Choose how AVF-BEL learns, by nested cross-validation, and tell how well the choosing does.

python benchmarks/nested_search.py --corpus CORPUS --out benchmarks/results/nested.json

Every choice is kept in OUT.parts as it is done: the same command goes on where it was broken off.
"""

from __future__ import annotations

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from avfbel.data import load_dataset, load_norms
from avfbel.data.targets import KINDS, NORM_OF_KIND
from avfbel.files import write_whole
from avfbel.learn.cortex import cortex_digest, read_cortex
from avfbel.learn.evaluation import TARGETS
from avfbel.learn.jackknife import Choice, Material, make_material
from avfbel.learn.nested import CHOICES, Tried, attempt, best_overall, nested_predictions, outer_folds

PROTOCOLS = ("leave-stimulus-out", "leave-prototype-out")


def main() -> None:
    """Try what has not been tried yet, then choose."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", help="a corpus made before; else the one in the user's cache")
    parser.add_argument("--exemplars", type=int, default=20)
    parser.add_argument("--cortex", default="default")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/nested.json"))
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    start = time.monotonic()
    data = load_dataset("sievers2021", corpus=asked.corpus, exemplars=asked.exemplars, jobs=asked.jobs)
    material = make_material(data, read_cortex(asked.cortex))
    norms = load_norms()
    truth = np.stack(
        [[norms.epp(NORM_OF_KIND[kind]), norms.valence(NORM_OF_KIND[kind])] for kind in KINDS]
    ).transpose(2, 0, 1)
    assert material.stimuli == norms.stimuli
    parts = asked.out.with_name(f"{asked.out.name}.parts")
    parts.mkdir(parents=True, exist_ok=True)
    mark = {"cortex": cortex_digest(asked.cortex), "exemplars": asked.exemplars}
    tried: dict[str, list[Tried]] = {}
    spent = 0.0
    for protocol in PROTOCOLS:
        found = _tried(material, truth, protocol, parts, mark, asked.jobs)
        tried[protocol] = [one for one, _ in found]
        spent += sum(seconds for _, seconds in found)
    result = {
        **mark,
        "choices": [asdict(choice) for choice in CHOICES],
        "seconds_of_processes": round(spent, 1),
        "seconds_of_this_run": round(time.monotonic() - start, 1),
        **{protocol: _summary(tried[protocol], protocol, truth, norms.stimuli) for protocol in PROTOCOLS},
        "chosen": asdict(best_overall(tried["leave-stimulus-out"]).choice),
    }
    write_whole(asked.out, f"{json.dumps(result, indent=1)}\n".encode())
    for protocol in PROTOCOLS:
        print(protocol, json.dumps(result[protocol]["nested"]["fused"]))
    print("chosen", result["chosen"], f"{result['seconds_of_this_run']:.0f} s")


def _tried(
    material: Material, truth: Any, protocol: str, parts: Path, mark: dict[str, Any], jobs: int
) -> list[tuple[Tried, float]]:
    """Return every choice tried, from its file where there is one."""
    found: dict[int, tuple[Tried, float]] = {}
    files = {number: parts / f"{protocol}-{number:03d}.json" for number in range(len(CHOICES))}
    for number, path in files.items():
        if path.is_file():
            plain = json.loads(path.read_text(encoding="utf-8"))
            if plain["mark"] == mark and plain["choice"] == asdict(CHOICES[number]):
                found[number] = Tried.from_dict(plain), plain["seconds"]
    left = [number for number in files if number not in found]
    with ProcessPoolExecutor(jobs, initializer=_take, initargs=(material, truth, protocol)) as pool:
        waiting = {pool.submit(_try, CHOICES[number]): number for number in left}
        for done in as_completed(waiting):
            number = waiting[done]
            one, seconds = found[number] = done.result()
            plain = {"mark": mark, "seconds": seconds, **one.to_dict()}
            write_whole(files[number], json.dumps(plain).encode())
            print(f"{protocol}: {len(found)} of {len(files)}", flush=True)
    return [found[number] for number in files]


_own: tuple[Material, Any, str]


def _take(material: Material, truth: Any, protocol: str) -> None:
    global _own
    _own = material, truth, protocol


def _try(choice: Choice) -> tuple[Tried, float]:
    start = time.monotonic()
    material, truth, protocol = _own
    return attempt(material, truth, choice, protocol), time.monotonic() - start


def _summary(tried: list[Tried], protocol: str, truth: Any, stimuli: tuple[str, ...]) -> dict[str, Any]:
    """Return inner errors of all choices, the choice of each fold, and how nested predictions score."""
    chosen, predicted = nested_predictions(tried)
    folds = outer_folds(stimuli, protocol)
    held = np.concatenate([np.array(fold) for fold in folds])
    said, wanted = np.concatenate(predicted), truth[held]
    base = np.concatenate([_baseline(fold, truth) for fold in folds])
    return {
        "inner": [round(float(one.inner.mean()), 5) for one in tried],
        "chosen": [int(number) for number in chosen],
        "nested": {
            kind: {
                target: {
                    "r": round(float(np.corrcoef(said[:, k, t], wanted[:, k, t])[0, 1]), 4),
                    "r2": round(
                        1
                        - float(
                            ((said[:, k, t] - wanted[:, k, t]) ** 2).sum()
                            / ((base[:, k, t] - wanted[:, k, t]) ** 2).sum()
                        ),
                        4,
                    ),
                }
                for t, target in enumerate(TARGETS)
            }
            for k, kind in enumerate(KINDS)
        },
    }


def _baseline(fold: tuple[int, ...], truth: Any) -> Any:
    """Return the mean of the training stimuli, once for each stimulus of a fold."""
    others = [number for number in range(len(truth)) if number not in fold]
    return np.repeat(truth[others].mean(axis=0)[None], len(fold), axis=0)


if __name__ == "__main__":
    main()
