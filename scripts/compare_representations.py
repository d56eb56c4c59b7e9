"""Compare the representations of the shipped model with what people felt, and write page and figure.

python scripts/compare_representations.py [--corpus DIR] [--data-dir DIR]    measures anew: about two minutes
python scripts/compare_representations.py --page                             from the committed results
python scripts/compare_representations.py --check                            tells whether the page is current

Single ratings are read from --data-dir or AVFBEL_DATA.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "representations.json"
PAGE = ROOT / "docs" / "representations.md"
PICTURE = ROOT / "docs" / "images" / "representations.png"
START, END = "<!-- representations: ", "<!-- end of representations -->"
RATED = {"heard": "music", "seen": "animation", "both": "fused"}
UNTRAINED_SEEDS = (0, 1, 2)


def main() -> None:
    """Measure, write or check."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, help="a corpus made before")
    parser.add_argument("--data-dir", type=Path, help="folder of ratings.csv")
    parser.add_argument("--exemplars", type=int, default=20)
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if not (options.page or options.check):
        RESULTS.write_text(json.dumps(measure(options), indent=1) + "\n", encoding="utf-8")
    text, found = PAGE.read_text(encoding="utf-8"), json.loads(RESULTS.read_text(encoding="utf-8"))
    renewed = renew(text, found)
    if not options.check:
        PAGE.write_text(renewed, encoding="utf-8")
        print("\n".join(answer(found)))
    elif renewed != text:
        sys.exit(
            "docs/representations.md is not current: run python scripts/compare_representations.py --page"
        )
    if failed := failed_claims(found):
        sys.exit(f"docs/representations.md says what the results do not bear out: {'; '.join(failed)}")


def failed_claims(found: dict[str, Any]) -> list[str]:
    """Return the sentences of the page that the results do not bear out."""
    tables = [of["candidates"] for of in found["comparisons"].values()]
    regions = [[it for name, it in of.items() if name in found["regions"]] for of in tables]
    controls = [
        it for of in tables for name, it in of.items() if name == "parameters" or name.endswith("untrained")
    ]
    areas = [[of[name]["rho"][0] for name in ("V1", "V2", "V4", "IT") if name in of] for of in tables]
    claims = {
        "most regions are like people": all(
            2 * sum(it["rho"][1] > 0 for it in of) > len(of) for of in regions
        ),
        "the parameters and untrained cortices are, too": all(it["rho"][1] > 0 for it in controls),
        "from V1 to IT, hardly anything changes": all(max(of) - min(of) < 0.1 for of in areas if of),
    }
    return [claim for claim, holds in claims.items() if not holds]


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return all comparisons, and draw the figure."""
    from avfbel import Bundle, load_dataset
    from avfbel.data import load_norms, load_ratings
    from avfbel.interpret.representations import compare_with_raters, rater_rdms, told
    from avfbel.interpret.representations_figure import draw_likeness
    from avfbel.runtime.figure import encode_figure

    bundle = Bundle.open("default")
    data = load_dataset("sievers2021", corpus=options.corpus, exemplars=options.exemplars)
    ratings = load_ratings(options.data_dir)
    told_of: dict[str, Any] = {}
    to_parameters: dict[str, Any] = {}
    shown: dict[str, Any] = {}
    for perceived, modality in RATED.items():
        candidates = rdms(bundle, data, perceived)
        against = {
            name: [of for of in ("parameters", f"{name} untrained") if of in candidates and of != name]
            for name in candidates
            if name in bundle.regions
        }
        raters = rater_rdms(ratings, modality)
        told_of[perceived] = told(compare_with_raters(candidates, raters, against=against))
        made = candidates["parameters"]
        rest = {name: of for name, of in candidates.items() if name != "parameters"}
        compared = told(compare_with_raters(rest, made[None]))["candidates"]
        to_parameters[perceived] = {name: of["rho"] for name, of in compared.items()}
        if perceived == "both":
            shown = {"people": raters.mean(axis=0), "parameters": made}
            wanted = [name for name in ("V1", "IT", "PYR", "aSTG", "amygdala") if name in candidates]
            shown |= {name: candidates[name] for name in wanted}
    norms = load_norms()
    PICTURE.write_bytes(encode_figure(draw_likeness(told_of, shown, np.argsort(norms.epp("fused"))), "png"))
    return {
        "model": bundle.name,
        "version": bundle.version,
        "bundle_sha256": bundle.sha256,
        "regions": list(bundle.regions),
        "clips": data.n_clips,
        "comparisons": told_of,
        "to_parameters": to_parameters,
    }


def rdms(bundle: Any, data: Any, perceived: str) -> dict[str, Any]:
    """Return the RDMs of all candidates by name."""
    from dataclasses import astuple

    from avfbel.interpret.representations import dissimilarity
    from avfbel.interpret.unit_activity import unit_activity, untrained_activity
    from avfbel.stimulus import named_stimuli

    stimuli = named_stimuli()
    parameters = np.array([astuple(stimuli[name]) for name in sorted(set(data.stimulus.tolist()))])
    found = {
        "parameters": dissimilarity(parameters, standardized=True),
        "features": dissimilarity(features(data, perceived), standardized=True),
    }
    active = unit_activity(bundle, data, perceived)
    drawn = [untrained_activity(bundle, data, perceived, seed=seed) for seed in UNTRAINED_SEEDS]
    for region, codes in active.items():
        if np.ptp(codes, axis=0).max() == 0:
            continue  # it does the same at every stimulus: nothing is unlike anything to it
        found[region] = dissimilarity(codes)
        if region in drawn[0]:
            found[f"{region} untrained"] = np.mean([dissimilarity(of[region]) for of in drawn], axis=0)
    return found


def features(data: Any, perceived: str) -> Any:
    """Return mean measured features, (n_stimuli, m), of the open senses, that no stimulus lacks entirely."""
    parts = {"heard": [data.acoustic], "seen": [data.visual], "both": [data.acoustic, data.visual]}
    table = np.concatenate(parts[perceived], axis=1)
    of_window = data.stimulus[data.clip]
    rows = [table[of_window == name] for name in sorted(set(data.stimulus.tolist()))]
    known = np.all([np.isfinite(row).any(axis=0) for row in rows], axis=0)
    return np.array([np.nanmean(row[:, known], axis=0) for row in rows])


def renew(text: str, found: dict[str, Any]) -> str:
    """Return the page with the block between the two marks written anew."""
    before, rest = text.split(START, 1)
    mark, rest = rest.split("\n", 1)
    after = rest.split(END, 1)[1]
    block = "\n\n".join(["\n".join(f"- {line}" for line in answer(found)), *tables(found)])
    return f"{before}{START}{mark}\n{block}\n\n{END}{after}"


def answer(found: dict[str, Any]) -> list[str]:
    """Say what the intervals say, whichever way it fell."""
    lines = []
    for perceived, of in found["comparisons"].items():
        regions = {name: it for name, it in of["candidates"].items() if name in found["regions"]}
        alike = [name for name, it in regions.items() if it["rho"][1] > 0]
        there = [name for name, it in regions.items() if it["verdict"] == "not told from the ceiling"]
        less = {rival: listed(surpassing(regions, rival, -1)) for rival in ("parameters", "untrained")}
        more = {rival: listed(surpassing(regions, rival)) for rival in ("parameters", "untrained")}
        low, high = of["ceiling"]
        lines.append(
            f"**{perceived.capitalize()}**, {of['n_raters']} raters, noise ceiling {low:.2f} to {high:.2f}. "
            f"Like people's distances: {listed(alike)}. Not told from the ceiling: {listed(there)}. "
            f"More like people than the generating parameters are: {more['parameters']}; "
            f"less: {less['parameters']}. More than before training: {more['untrained']}; "
            f"less: {less['untrained']}."
        )
    return lines


def surpassing(regions: dict[str, Any], rival: str, sign: int = 1) -> list[str]:
    """Return the regions of which the interval of the difference to a rival lies on one side of 0."""
    return [
        name
        for name, it in regions.items()
        for other, more in it["beyond"].items()
        if other.endswith(rival) and (more[1] > 0 if sign > 0 else more[2] < 0)
    ]


def listed(names: list[str]) -> str:
    """Return names as a list in words."""
    return ", ".join(names) or "none"


def tables(found: dict[str, Any]) -> list[str]:
    """Return one table for each way to perceive."""
    blocks = []
    for perceived, of in found["comparisons"].items():
        rows = [
            f"| {perceived} | ρ with people [95 %] | less the parameters' | less the untrained's | "
            "ρ with the parameters | |",
            "|---|---|---|---|---|---|",
        ]
        for name, it in of["candidates"].items():
            beyond = [
                next((cell(more) for other, more in it["beyond"].items() if other.endswith(rival)), "")
                for rival in ("parameters", "untrained")
            ]
            made = found["to_parameters"][perceived].get(name)
            cells = [name, cell(it["rho"]), *beyond, cell(made) if made else "", it["verdict"]]
            rows.append(f"| {' | '.join(cells)} |")
        blocks.append("\n".join(rows))
    return blocks


def cell(values: list[float]) -> str:
    """Return a value with its interval."""
    value, low, high = (f"{number:.2f}".replace("-", "−") for number in values)
    return f"{value} [{low}, {high}]"


if __name__ == "__main__":
    main()
