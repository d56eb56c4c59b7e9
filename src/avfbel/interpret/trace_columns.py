"""What the columns of traces mean: a sentence and a unit for each, and the system a region is part of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from avfbel.emotion import EMOTIONS
from avfbel.errors import UsageError
from avfbel.senses.features import ALL_ACOUSTIC, FEATURE_UNITS, VISUAL_FEATURES

REGION, GATE, EVIDENCE = "region_", "gate_", "evidence_"
"""How the columns of regions, attention gates and evidence gates begin."""

JUDGEMENTS = ("epp", "epp_low", "epp_high", "valence", "intensity")
SENSES = ("audio", "video")

SYSTEMS = {
    "visual cortex": ("V1", "V2", "V4", "IT"),
    "auditory cortex": ("PYR", "PV", "SOM"),
    "thalamus": ("thalamus",),
    "temporal gyrus": ("aSTG",),
    "limbic system": ("amygdala", "orbitofrontal", "prefrontal"),
}
"""The regions and populations of each system, in the order in which they are drawn."""

OTHER = "other regions"
"""Where a region is drawn that no system of ours lists."""

_JUDGED = {
    "epp": ("Emotional positivity: 0 negative, 0.5 neutral, 1 positive", "dimensionless"),
    "epp_low": ("Lower end of the interval of emotional positivity", "dimensionless"),
    "epp_high": ("Upper end of the interval of emotional positivity", "dimensionless"),
    "valence": ("Share of calm and happiness in what is felt, 0 to 1", "dimensionless"),
    "intensity": ("How much is felt at all, 0 to 1", "dimensionless"),
}
_POPULATIONS = {
    "PYR": "pyramidal neurons",
    "PV": "parvalbumin interneurons",
    "SOM": "somatostatin interneurons",
}
_AREAS = {
    "IT": "inferior temporal cortex",
    "aSTG": "anterior superior temporal gyrus",
    "orbitofrontal": "orbitofrontal cortex",
    "prefrontal": "prefrontal cortex",
}


class Meaning(NamedTuple):
    """What a column holds: a sentence without its full stop, and a unit."""

    description: str
    unit: str


def trace_columns(regions: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of the traces of a model with these regions.

    Examples
    --------
    >>> trace_columns(["V1"])[-5:]
    ('region_V1', 'gate_audio', 'gate_video', 'evidence_audio', 'evidence_video')
    """
    gates = tuple(kind + sense for kind in (GATE, EVIDENCE) for sense in SENSES)
    return (
        *JUDGEMENTS,
        *EMOTIONS,
        *VISUAL_FEATURES,
        *ALL_ACOUSTIC,
        *(REGION + name for name in regions),
        *gates,
    )


def meaning(column: str) -> Meaning:
    """Return what a column of traces holds, and its unit.

    Examples
    --------
    >>> meaning("region_PYR")
    Meaning(description='Mean rate of the pyramidal neurons of the auditory cortex', unit='Hz')
    >>> meaning("tempo").unit
    'bpm'
    """
    if column in _JUDGED:
        return Meaning(*_JUDGED[column])
    if column in EMOTIONS:
        return Meaning(f"Felt {column}", "rating / 127")
    if column in FEATURE_UNITS:
        sense = "picture" if column in VISUAL_FEATURES else "sound"
        return Meaning(f"Feature {column}, measured in the {sense}", FEATURE_UNITS[column])
    if column.startswith(GATE):
        return Meaning(f"Mean attention to the {column[len(GATE) :]} in the temporal gyrus", "dimensionless")
    if column.startswith(EVIDENCE):
        return Meaning(f"How much there is for the {column[len(EVIDENCE) :]} sense, 0 to 1", "dimensionless")
    name = column.removeprefix(REGION)
    if name in _POPULATIONS:
        return Meaning(f"Mean rate of the {_POPULATIONS[name]} of the auditory cortex", "Hz")
    return Meaning(f"Mean activity of {_AREAS.get(name, name)}", "dimensionless")


def by_system(regions: Iterable[str]) -> dict[str, list[str]]:
    """Sort regions by system, in the order of `SYSTEMS`; what no system lists comes last, as `OTHER`.

    Examples
    --------
    >>> by_system(["PYR", "V1", "cerebellum"])
    {'visual cortex': ['V1'], 'auditory cortex': ['PYR'], 'other regions': ['cerebellum']}
    """
    present = list(regions)
    sorted_ = {system: [name for name in names if name in present] for system, names in SYSTEMS.items()}
    listed = {name for names in SYSTEMS.values() for name in names}
    sorted_[OTHER] = [name for name in present if name not in listed]
    return {system: names for system, names in sorted_.items() if names}


def choose_columns(wanted: Iterable[str], present: Iterable[str]) -> tuple[str, ...]:
    """Return the columns that are asked for by name or by group: emotions, features, regions, gates, all.

    Parameters
    ----------
    wanted : iterable of str
        Names of columns, of regions (`amygdala` is `region_amygdala`) and of groups.
    present : iterable of str
        The columns that there are.

    Returns
    -------
    tuple of str
        Each column once, in the order in which they are asked for.

    Raises
    ------
    UsageError
        If one is asked for that is neither.

    Examples
    --------
    >>> choose_columns(["epp", "V1"], trace_columns(["V1", "V2"]))
    ('epp', 'region_V1')
    """
    columns = tuple(present)
    groups = {
        "emotions": EMOTIONS,
        "features": VISUAL_FEATURES + ALL_ACOUSTIC,
        "regions": tuple(name for name in columns if name.startswith(REGION)),
        "gates": tuple(name for name in columns if name.startswith(GATE)),
        "all": columns,
    }
    chosen: list[str] = []
    for name in wanted:
        if name in groups:
            chosen += groups[name]
        elif name in columns or REGION + name in columns:
            chosen.append(name if name in columns else REGION + name)
        else:
            raise UsageError(
                f"there is no trace of {name!r}: name a column of the table that `avfbel explain` writes, "
                f"or one of {', '.join(groups)}"
            )
    return tuple(dict.fromkeys(chosen))
