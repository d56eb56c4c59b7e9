"""The diagram of the circuit in a report: where each region stands, what it is, and an SVG of all."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 360, 524
"""Size of the diagram, in its own units: about pixels on a phone."""

_NODE_HEIGHT, _GAUGE = 42, 4


@dataclass(frozen=True, kw_only=True)
class Place:
    """A region in the diagram.

    Attributes
    ----------
    name : str
        As bundles name it.
    title : str
        In full.
    sentence : str
        What it is in the brain, and what it computes here.
    unit : str
        Unit of its activity; empty for a dimensionless one.
    x, y, width : int
        Centre and width, in units of the diagram.
    """

    name: str
    title: str
    sentence: str
    unit: str = ""
    x: int
    y: int
    width: int


PLACES = (
    Place(
        name="PYR",
        title="pyramidal cells of the auditory cortex",
        sentence="The excitatory cells that carry sound onward; here 400 spiking neurons, each tuned "
        "narrowly to a value of one measured feature of the sound.",
        unit="Hz",
        x=84,
        y=122,
        width=136,
    ),
    Place(
        name="PV",
        title="parvalbumin cells of the auditory cortex",
        sentence="Fast inhibitory cells; here 200 spiking neurons with broad tuning to the features of the "
        "sound.",
        unit="Hz",
        x=48,
        y=178,
        width=64,
    ),
    Place(
        name="SOM",
        title="somatostatin cells of the auditory cortex",
        sentence="Inhibitory cells that respond to more or less of a feature; here 200 spiking neurons that "
        "fire the more, the higher (or the lower) a feature of the sound is.",
        unit="Hz",
        x=120,
        y=178,
        width=64,
    ),
    Place(
        name="V1",
        title="primary visual cortex",
        sentence="The first cortical area of sight; here a convolution over the five maps of what moves in "
        "the picture: its speed, regularity, roughness, size of steps and direction.",
        x=238,
        y=122,
        width=60,
    ),
    Place(
        name="V2",
        title="secondary visual cortex",
        sentence="Combines what V1 sees into contours and larger patterns; here the second convolution.",
        x=314,
        y=122,
        width=60,
    ),
    Place(
        name="V4",
        title="visual area V4",
        sentence="Responds to shape and form over larger parts of the picture; here the third convolution.",
        x=314,
        y=178,
        width=60,
    ),
    Place(
        name="IT",
        title="inferior temporal cortex",
        sentence="The end of the ventral visual stream, which sees the picture as a whole; here the fourth "
        "convolution, whose mean over the picture is what the circuit sees.",
        x=238,
        y=178,
        width=60,
    ),
    Place(
        name="aSTG",
        title="anterior superior temporal gyrus",
        sentence="Where sound and sight meet; here either sense is weighed by attention, both are combined, "
        "and the fused code goes on to the limbic system.",
        x=180,
        y=268,
        width=150,
    ),
    Place(
        name="thalamus",
        title="thalamus",
        sentence="The short way to the amygdala, quick and coarse; here it passes on only the strongest unit "
        "of the fused code.",
        x=58,
        y=350,
        width=92,
    ),
    Place(
        name="amygdala",
        title="amygdala",
        sentence="Learns what goes with which emotion, and does not unlearn it; here what it gives is the "
        "excitation of the five emotions.",
        x=174,
        y=350,
        width=96,
    ),
    Place(
        name="orbitofrontal",
        title="orbitofrontal cortex",
        sentence="Learns where the amygdala expects too much, and inhibits it; here what it gives is "
        "subtracted from the emotions.",
        x=298,
        y=350,
        width=108,
    ),
    Place(
        name="prefrontal",
        title="prefrontal cortex",
        sentence="Controls the emotions by what amygdala and orbitofrontal cortex say together; here it is "
        "subtracted from the emotions, and stays 0 in a model that was trained without it.",
        x=262,
        y=426,
        width=104,
    ),
)
"""The regions in the order in which a stimulus takes them."""

# From, to, whether it inhibits, as SVG paths.
_WAYS = (
    ("ear", "PYR", False, "M118 46V97"),
    ("eye", "V1", False, "M246 46V97"),
    ("V1", "V2", False, "M268 122H280"),
    ("V2", "V4", False, "M314 143V153"),
    ("V4", "IT", False, "M284 178H272"),
    ("PYR", "aSTG", False, "M84 206V232Q84 238 90 238H128Q134 238 134 242V243"),
    ("IT", "aSTG", False, "M276 206V232Q276 238 270 238H232Q226 238 226 242V243"),
    ("aSTG", "thalamus", False, "M130 289V304Q130 310 124 310H64Q58 310 58 316V325"),
    ("aSTG", "amygdala", False, "M174 289V325"),
    ("aSTG", "orbitofrontal", False, "M230 289V304Q230 310 236 310H292Q298 310 298 316V325"),
    ("thalamus", "amygdala", False, "M104 350H122"),
    ("amygdala", "prefrontal", False, "M204 371V382Q204 388 210 388H232Q238 388 238 394V401"),
    ("orbitofrontal", "prefrontal", False, "M286 371V401"),
    ("amygdala", "EPP", False, "M150 371V472"),
    ("prefrontal", "EPP", True, "M250 447V455Q250 461 244 461H206Q200 461 200 467V473"),
    ("orbitofrontal", "EPP", True, "M336 371V490Q336 496 330 496H224"),
)


def circuit_svg(regions: Collection[str]) -> str:
    """Draw the circuit as SVG, with a button for each region and a mark on those that were not traced.

    Parameters
    ----------
    regions : collection of str
        The regions whose activity is known.

    Returns
    -------
    str
        An ``<svg>`` element; the element of a region has its name as ``data-region``.
    """
    parts = [
        f'<svg id="circuit" viewBox="0 0 {WIDTH} {HEIGHT}" role="group" aria-labelledby="circuit-title">',
        "<defs>",
        _marker("excites", '<path d="M0 0L7 3.5L0 7z" class="tip"/>', 6),
        _marker("inhibits", '<path d="M5 0V7" class="bar"/>', 5),
        '<pattern id="untraced" width="6" height="6" patternUnits="userSpaceOnUse">'
        '<path d="M0 6L6 0" class="hatch"/></pattern>',
        "</defs>",
        _group(8, 66, 152, 142, "auditory cortex"),
        _group(200, 66, 152, 142, "visual cortex", label_x=344, anchor="end"),
    ]
    parts += [
        f'<path class="way{" inhibits" * inhibits}" data-from="{start}" data-to="{end}" d="{path}" '
        f'marker-end="url(#{"inhibits" if inhibits else "excites"})"/>'
        for start, end, inhibits, path in _WAYS
    ]
    parts += [_end("ear", 84, 26), _end("eye", 276, 26)]
    parts += [_node(place, traced=place.name in regions) for place in PLACES]
    parts += [
        '<text class="sign" x="138" y="456">+</text>',
        '<text class="sign" x="189" y="470">−</text>',
        '<text class="sign" x="240" y="511">−</text>',
        _end("EPP", 150, 496, width=138),
        "</svg>",
    ]
    return "\n".join(parts)


def _marker(name: str, shape: str, at: int) -> str:
    return (
        f'<marker id="{name}" markerWidth="8" markerHeight="8" refX="{at}" refY="3.5" orient="auto" '
        f'markerUnits="userSpaceOnUse">{shape}</marker>'
    )


def _group(
    x: int, y: int, width: int, height: int, label: str, *, label_x: int = 16, anchor: str = "start"
) -> str:
    return (
        f'<rect class="group" x="{x}" y="{y}" width="{width}" height="{height}" rx="10"/>'
        f'<text class="label at-{anchor}" x="{label_x}" y="86">{label}</text>'
    )


def _end(name: str, x: int, y: int, *, width: int = 104) -> str:
    """Draw where the circuit begins or ends: not a region, and no button."""
    return (
        f'<g class="end" data-end="{name}"><rect x="{x - width / 2:g}" y="{y - 20}" width="{width}" '
        f'height="40" rx="20"/><text class="name" x="{x}" y="{y - 2}">{name}</text>'
        f'<text class="value" x="{x}" y="{y + 13}">–</text></g>'
    )


def _node(place: Place, *, traced: bool) -> str:
    left, top = place.x - place.width / 2, place.y - _NODE_HEIGHT / 2
    box = f'x="{left:g}" y="{top:g}" width="{place.width}" height="{_NODE_HEIGHT}" rx="7"'
    gauge = f'x="{left + 8:g}" y="{top + _NODE_HEIGHT - 8:g}" height="{_GAUGE}" rx="2"'
    label = place.title if traced else f"{place.title}, not traced by this model"
    return (
        f'<g class="region{"" if traced else " untraced"}" data-region="{escape(place.name)}" role="button" '
        f'tabindex="0" aria-pressed="false" aria-label="{escape(label)}">'
        f'<rect class="box" {box}/><rect class="light" {box}/>'
        f'<text class="name" x="{place.x}" y="{top + 15:g}">{escape(place.name)}</text>'
        f'<text class="value" x="{place.x}" y="{top + 29:g}">{"–" if traced else "not traced"}</text>'
        f'<rect class="gauge" {gauge} width="{place.width - 16}"/>'
        f'<rect class="level" {gauge} width="0" data-full="{place.width - 16}"/>'
        f'<rect class="ring" {box}/></g>'
    )
