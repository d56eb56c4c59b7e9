"""The replication report of the documentation: what is printed, what comes out, what it means."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from avfbel.published.audit import audit
from avfbel.published.audit_text import audit_text
from avfbel.published.printed import printed
from avfbel.published.released import load_pairs, load_weights
from avfbel.published.report import deeper, number
from avfbel.published.table2 import table2, table2_text
from avfbel.published.trained import COMMITTED, read_cells


def replication_page(data_dir: Path | None = None) -> str:
    """Return the replication report as Markdown, from the data and the committed cells.

    Parameters
    ----------
    data_dir : path, optional
        The folder that holds ratings.csv, or one above it; `AVFBEL_DATA` without it.

    Returns
    -------
    str
        The page `docs/replication.md`.

    Raises
    ------
    FileNotFoundError
        If ratings, features or weights are missing.
    """
    found = audit(load_pairs(data_dir), load_weights(data_dir))
    versions = table2(found["cells"], read_cells(COMMITTED))
    return (
        "\n\n".join(
            (
                "# The paper, replicated and audited",
                "<!-- Written by `python scripts/write_replication.py`: change the sentences there, not "
                "here. -->",
                _summary(found, versions),
                deeper(table2_text(versions)),
                deeper(audit_text(found)),
                _commands(),
            )
        ).rstrip()
        + "\n"
    )


def _summary(found: Mapping[str, Any], versions: Mapping[str, Any]) -> str:
    headline, similarity = found["headline"], found["similarity"]
    held_out = versions["held_out"]
    lines = [
        f"* **The headline comes out, and means nothing.** {number(headline['similarity'])} % is exactly "
        f"what the "
        f"released weights give. It is also what they give with the ratings shuffled "
        f"({number(headline['ratings_shuffled'])}); the correlation behind it is {number(headline['r'], 3)}.",
        f"* **The measure is upside down.** It grows with the error: a perfect answer has "
        f"{number(similarity['perfect'])} %, the lowest value there is.",
        "* **Table 2 comes out in part.** The cells of M-BEL and AVF-BEL do but for one; there are no "
        "weights that "
        "give BEL(m), BEL(a) or A-BEL.",
        "* **The released visual features hold the answer**, and the paper contradicts itself in three "
        "places.",
    ]
    good = [
        (name, held_out[model]["epp"])
        for model, name in (("bel-m", "by sound"), ("bel-a", "by sight"), ("avf-bel", "by both"))
        if held_out.get(model)
    ]
    if good:
        figures = ", ".join(
            f"{name} r = {number(of['r'])} [{number(of['r_low'])}, {number(of['r_high'])}]"
            for name, of in good
        )
        lines.append(
            "* **The idea holds up better than its numbers.** Brain emotional learning as this package "
            "has it, on "
            f"stimuli it has not met and with a true average as EPP: {figures}."
        )
    return (
        f"The model of this package comes from one paper ({printed()['citation'].split(' Table 1')[0]}) "
        f"and from "
        "the data and weights that were released with it. This page says which of the printed numbers "
        "come out of "
        "what was released, what they mean, and what the same models do under a protocol that can fail.\n\n"
        "## In short\n\n" + "\n".join(lines)
    )


def _commands() -> str:
    return (
        "## How to check this\n\n"
        "```console\n"
        "avfbel published audit --data-dir DATA --out audit      # seconds; nothing is trained\n"
        "avfbel published table2 --data-dir DATA --out table2    # seconds; trained cells as committed\n"
        "avfbel published table2 --data-dir DATA --out table2 --rerun    # hours; goes on where it stopped\n"
        "avfbel published table1 --out table1\n"
        "avfbel published figures --data-dir DATA --out figures\n"
        "```\n\n"
        "DATA is the folder that holds `ratings.csv`, `stimuli.csv`, `acoustic_features.csv` and "
        "`published/weights-*.json`, or the one above it; `AVFBEL_DATA` names it once for all. "
        "`avfbel data fetch sievers2021` fetches all but the weights: they were released as pickles, "
        "which run code "
        "when they are opened. As JSON they are, for each model, `vi` (1 × 2), `wi` (1 × 2), `we` (2 × 2) "
        "and `eta`."
    )
