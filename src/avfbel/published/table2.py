"""Table 2 of the paper: as printed, recomputed from released weights, and trained here, two ways."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from avfbel.errors import UsageError
from avfbel.published.audit import audit
from avfbel.published.printed import FUSED_CUT, SOUND_CUT, printed
from avfbel.published.released import load_pairs, load_weights
from avfbel.published.report import number, table, write_report
from avfbel.published.trained import COMMITTED, KIND, read_cells, train_cells

NAMES = {"bel-m": "BEL(m)", "bel-a": "BEL(a)", "m-bel": "M-BEL", "a-bel": "A-BEL", "avf-bel": "AVF-BEL"}
"""Models as the paper writes them, in its order."""

FIGURES = {"precision": "precision", "recall": "recall", "f1": "F1", "similarity": "similarity, %"}
"""What the paper prints of each."""

NOT_YET = "not trained yet: `--rerun`"
"""What stands where a cell is not among the committed ones."""

CELLS_FILE = "trained.json"
"""Where `--rerun` keeps the cells it has trained, in the folder of the report."""


def table2(recomputed: Mapping[str, Any], cells: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return Table 2 four times.

    Parameters
    ----------
    recomputed : mapping
        The section `cells` of an audit.
    cells : mapping
        Trained cells, ``{model: {protocol: figures}}``.

    Returns
    -------
    dict
        `printed`, `released`, `in_sample` and `held_out`, each by model; None where there is nothing.
    """
    return {
        "printed": printed()["table2"],
        "released": {model: recomputed.get(model) for model in NAMES},
        "in_sample": {model: cells.get(model, {}).get("published") for model in NAMES},
        "held_out": {model: cells.get(model, {}).get("leave-stimulus-out") for model in NAMES},
    }


def table2_text(found: Mapping[str, Any]) -> str:
    """Return the four versions of Table 2 as Markdown."""
    return "\n\n".join(
        (
            "# Table 2",
            "What the paper prints of its five models, and what comes of it. Cells that were trained here "
            "are those "
            f"committed with the package or, after `--rerun`, those in {CELLS_FILE} beside this report.",
            "## As printed",
            printed()["citation"],
            _published(found["printed"]),
            "## From the released weights",
            _published(found["released"]),
            f"M-BEL: music weights, cut {number(SOUND_CUT)}. AVF-BEL: fused weights, cut "
            f"{number(FUSED_CUT)}, labels of "
            "music. A dash stands where no released weights give the row. See `avfbel published audit`.",
            _verdicts(found["printed"], found["released"]),
            "## Trained here, in-sample, with the paper's metrics",
            _published(found["in_sample"], with_r=True),
            "Each model is trained on all clips of this package's own stimuli (20 exemplars of each of "
            "the 38) and "
            "scored on the same clips: exemplar i against what participant i answered, with Σ k·E_k / 15 "
            "of what is "
            "predicted in place of the released output, and the cuts above. r, which the paper does not "
            "print, stands "
            "beside. Since the similarity grows with the error, a good model is not to be known by it. "
            "These figures are "
            "no evidence of anything but memory; they stand here because the paper's protocol is this one.",
            "## Trained here, leave-stimulus-out, with honest metrics",
            _held_out(found["held_out"]),
            *_beside_the_shipped(),
            "Each stimulus is predicted by a model that has met none of its clips; 38 stimulus means. "
            "Models that only "
            "hear are compared with ratings of music, those that only see with ratings of animations, "
            "AVF-BEL with "
            "0.25 · music + 0.75 · animation. R² is against the mean of the training fold, nEV = R² / "
            "reliability, "
            "intervals are bootstrapped over stimuli. The three targets differ, so that rows of different "
            "senses "
            "are not a contest.",
        )
    )


def _published(rows: Mapping[str, Any], *, with_r: bool = False) -> str:
    figures = {**FIGURES, "r": "r"} if with_r else FIGURES
    body = [
        (NAMES[model], *(number(row[name]) for name in figures))
        if row
        else (NAMES[model] + (f" ({NOT_YET})" if with_r else ""), *("–" for _ in figures))
        for model, row in rows.items()
    ]
    return table(("model", *figures.values()), body)


def _verdicts(shown: Mapping[str, Any], released: Mapping[str, Any]) -> str:
    """Tell of each printed cell whether it comes out of the released weights to the printed digits."""
    body, comes_out = [], 0
    for model, row in shown.items():
        verdicts = []
        for name, value in row.items():
            if not released[model]:
                verdicts.append("no weights")
            elif number(released[model][name]) == number(value):
                verdicts.append("comes out")
                comes_out += 1
            else:
                verdicts.append(f"{number(released[model][name])} instead")
        body.append((NAMES[model], *verdicts))
    of = sum(len(row) for row in shown.values())
    return (
        f"Cell by cell, {comes_out} of {of} come out:\n\n"
        + table(("model", *FIGURES.values()), body)
        + "\n\nThe module names of the table (visual cortex, auditory cortex, fusion) describe no "
        "difference between "
        "these rows: the released forward pass has none of the three."
    )


def _held_out(rows: Mapping[str, Any]) -> str:
    body: list[tuple[str, ...]] = []
    for model, of in rows.items():
        for target in ("epp", "valence"):
            name = f"{NAMES[model]}, {'EPP' if target == 'epp' else target}"
            if not of:
                body.append((f"{name} ({NOT_YET})", "–", "–", "–", "–", "–", "–"))
                continue
            f = of[target]
            interval = f"[{number(f['r_low'])}, {number(f['r_high'])}]"
            body.append(
                (name, number(f["r"]), interval, *(number(f[key]) for key in ("r2", "nev", "ccc", "rmse")))
            )
    return table(("model, target", "r", "95 %", "R²", "nEV", "CCC", "RMSE"), body)


def run(
    data_dir: Path | None,
    out: Path | None,
    *,
    rerun: bool,
    corpus: Path | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> str:
    """Regenerate Table 2; return the report, and write table2.md, .json and .csv into `out`.

    Parameters
    ----------
    data_dir : path or None
        The folder that holds ratings.csv, or one above it; `AVFBEL_DATA` if None.
    out : path or None
        Folder of the files.
    rerun : bool
        Train the cells anew instead of showing the committed ones. Each is kept in `out` as it is done: the
        same command again goes on with those that are missing.
    corpus : path, optional
        Clips made before, to train on; made in the user's cache without it.
    progress : callable, optional
        Called with what is being done, the number of its parts that are done, and that of all.

    Returns
    -------
    str
        Markdown.

    Raises
    ------
    FileNotFoundError
        If ratings, features or weights are missing.
    UsageError
        If `rerun` is asked for without `out`.
    """
    if rerun and out is None:
        raise UsageError(
            "--rerun trains for a long time and keeps each cell in a folder: name one with --out"
        )
    pairs = load_pairs(data_dir)
    recomputed = audit(pairs, load_weights(data_dir))["cells"]
    if rerun and out is not None:
        from avfbel.data import load_dataset

        cells = train_cells(
            out / CELLS_FILE,
            lambda: load_dataset("sievers2021", corpus=corpus, progress=progress),
            pairs,
            tell=progress,
        )
    else:
        cells = read_cells(COMMITTED)
    found = table2(recomputed, cells)
    text = table2_text(found)
    write_report(out, "table2", text, data=found, rows=_rows(found))
    return text


def _beside_the_shipped() -> list[str]:
    """Say how the circuits of the table differ from the shipped one, and how that one does."""
    card = json.loads(files("avfbel.bundles.default").joinpath("card.json").read_text(encoding="utf-8"))
    told = card["metrics"]["leave-stimulus-out"]["fused"]["epp"]
    return [
        "Cortex and gyrus of the trained models learn from the ratings, as the paper's do. Those of the "
        "model that the package ships learned without ratings; it reaches "
        f"r {told['r']:.2f} (nEV {told['nev']:.2f}) under the same protocol."
    ]


def _rows(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one row for each number: version, model, target, figure, value."""
    rows = []
    for version, models in found.items():
        for model in KIND:
            figures = models[model] or {}
            if version != "held_out":
                figures = {"": figures}
            rows += [
                {"version": version, "model": model, "target": target, "figure": name, "value": value}
                for target, of in figures.items()
                for name, value in of.items()
            ]
    return rows
