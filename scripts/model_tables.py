"""Write the measured tables into docs/model.md, or with --check tell whether they are current.

python scripts/model_tables.py [--check]
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from avfbel.brain import AVFBEL
from avfbel.brain.costs import ModuleCost
from avfbel.brain.lines import LineSettings
from avfbel.learn.candidates import CONFIGURATIONS, Settings, circuit

ROOT = Path(__file__).parents[1]
PAGE, FORWARD = ROOT / "docs" / "model.md", ROOT / "benchmarks" / "results" / "forward.json"
START, END = "<!-- {}: written by scripts/model_tables.py -->", "<!-- end of {} -->"


def main() -> None:
    """Renew docs/model.md or check it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    text = PAGE.read_text(encoding="utf-8")
    renewed = renew(text)
    if not check:
        PAGE.write_text(renewed, encoding="utf-8")
    elif renewed != text:
        sys.exit("docs/model.md does not show what the code counts: run python scripts/model_tables.py")


def renew(text: str) -> str:
    """Return the text with each table between its two marks."""
    shipped = circuit("avf-bel", Settings())
    tables = {"modules": modules(shipped), "circuits": circuits(), "pretrain": pretrain(), "speed": speed()}
    for name, table in tables.items():
        before, rest = text.split(START.format(name), 1)
        after = rest.split(END.format(name), 1)[1]
        text = f"{before}{START.format(name)}\n{table}\n{END.format(name)}{after}"
    return text


def modules(model: AVFBEL) -> str:
    """Return what each module of a circuit costs as a Markdown table."""
    costs = model.parameter_table()
    rows = [tuple(cost) for cost in costs]
    rows.append(("**together**", *(sum(column) for column in list(zip(*rows, strict=True))[1:])))
    lines = ["| module | trained | measured | operations a window |", "|---|---:|---:|---:|"]
    return "\n".join([*lines, *(f"| {name} | {a:,} | {b:,} | {c:,} |" for name, a, b, c in rows)])


def circuits() -> str:
    """Return the circuits that have a name, how each is configured and what it costs, as a Markdown table."""
    lines = [
        "| name | `AVFBEL(…)` | trained | of these by ratings | operations a window |",
        "|---|---|---:|---:|---:|",
    ]
    named = {name: (parameters, circuit(name, Settings())) for name, parameters in CONFIGURATIONS.items()}
    rows = [(f"`{name}`", parameters, model) for name, (parameters, model) in named.items()]
    for parameters in (
        {"visual": None, "fusion": None},
        {"auditory": None, "fusion": None},
        {"width": 64},
    ):
        rows.append(("", parameters, AVFBEL(**parameters)))
    for name, parameters, model in rows:
        shown = [f"{key}={value!r}".replace("'", '"') for key, value in parameters.items()]
        given = ", ".join(shown if model.cortex is None else ["cortex=read_cortex()", *shown])
        costs = model.parameter_table()
        trained, operations = (sum(getattr(cost, of) for cost in costs) for of in ("trained", "operations"))
        by_ratings = sum(cost.trained for cost in (costs if model.cortex is None else limbic(costs)))
        cells = (name, f"`{given}`" if given else "", f"{trained:,}", f"{by_ratings:,}", f"{operations:,}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def limbic(costs: list[ModuleCost]) -> list[ModuleCost]:
    """Return the modules that come after the fused code."""
    names = [cost.module for cost in costs]
    return costs[names.index("scale of the fused code") + 1 :]


def pretrain() -> str:
    """Return how sensory regions learn by default as a Markdown table."""
    lines = ["| of `LineSettings` | value |", "|---|---:|"]
    return "\n".join([*lines, *(f"| `{name}` | {value} |" for name, value in asdict(LineSettings()).items())])


def speed() -> str:
    """Return the committed times of one window as a Markdown table."""
    results = json.loads(FORWARD.read_text(encoding="utf-8"))["results"]
    lines = ["| runtime | median of one window on one core | times in 5 ms |", "|---|---:|---:|"]
    return "\n".join(
        [
            *lines,
            *(
                f"| {name} | {figures['median_ms']:.2f} ms | {figures['times_within_limit']:.1f} |"
                for name, figures in results.items()
            ),
        ]
    )


if __name__ == "__main__":
    main()
