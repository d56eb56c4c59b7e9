"""Figures 1-3 of the paper, drawn from the built model: names, shapes and counts are read from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn

from avfbel.brain.auditory_cortex import POPULATION_SIZE
from avfbel.brain.model import AVFBEL
from avfbel.brain.network import Network
from avfbel.brain.recurrent import RecurrentLimbic
from avfbel.brain.regions import ACOUSTIC, MAPS
from avfbel.emotion import EMOTIONS
from avfbel.runtime.figure import FAINT, INK, STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIGHT, SOUND, FUSED, LIMBIC, PLAIN = "#d6e9f5", "#f1dbe8", "#e3e3f4", "#fbe9cf", "#f4f4f4"


class Layer(NamedTuple):
    """A layer of a built network."""

    name: str
    kind: str
    """Class, and shape of its weights."""
    shape: tuple[int, ...]
    """Of what leaves it for one window, without the sample axis."""
    parameters: int


class Box(NamedTuple):
    """A box of a diagram: lower left corner and size in units of the axes, title, lines, colour."""

    x: float
    y: float
    width: float
    height: float
    title: str
    lines: tuple[str, ...]
    colour: str


def traced_layers(network: nn.Module, *inputs: torch.Tensor) -> list[Layer]:
    """Run a network on one window, and tell its convolutions and linear layers in the order they speak.

    Parameters
    ----------
    network : Module
        In evaluation mode.
    *inputs : Tensor
        What it takes.

    Returns
    -------
    list of Layer
        Each once. Linear layers that are applied as functions are told by `linear_layers`.

    Examples
    --------
    >>> traced_layers(nn.Sequential(nn.Linear(3, 2)), torch.zeros(1, 3))
    [Layer(name='0', kind='Linear 3 → 2', shape=(2,), parameters=8)]
    """
    found: list[Layer] = []

    def listen(name: str) -> Any:
        def hear(module: nn.Module, _: Any, said: torch.Tensor) -> None:
            found.append(Layer(name, _kind(module), tuple(said.shape[1:]), _count(module)))

        return hear

    hooks = [
        module.register_forward_hook(listen(name))
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    ]
    try:
        with torch.no_grad():
            network(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def linear_layers(module: nn.Module) -> list[Layer]:
    """Return all linear layers of a module, in the order it was built."""
    return [
        Layer(name, _kind(part), (part.out_features,), _count(part))
        for name, part in module.named_modules()
        if isinstance(part, nn.Linear)
    ]


def _kind(module: nn.Module) -> str:
    if isinstance(module, nn.Conv2d):
        side, stride = module.kernel_size[0], module.stride[0]
        step = f" / {stride}" * (stride > 1)
        return f"Conv {module.in_channels} → {module.out_channels}, {side}×{side}{step}"
    assert isinstance(module, nn.Linear)
    return f"Linear {module.in_features} → {module.out_features}"


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def draw_pathway(model: AVFBEL) -> Figure:
    """Draw Figure 1: the regions on the way from sound and sight to emotion."""
    cost = {part.module: part for part in model.parameter_table(n_outputs=len(EMOTIONS))}
    size = f"{sum(POPULATION_SIZE.values())} neurons"

    def box(x: float, y: float, title: str, *modules: str, colour: str, said: str = "") -> Box:
        trained = sum(cost[name].trained for name in modules)
        lines = (said,) * bool(said) + ((f"{trained:,} weights",) if trained else ("does not learn",))
        return Box(x, y, 0.115, 0.19, title, lines, colour)

    planes = [f"{model.width * 2**i} planes" for i in range(4)]
    areas = ("V1", "V2", "V4", "IT")
    boxes = {
        "film": Box(0.0, 0.74, 0.09, 0.19, "film", (f"{len(MAPS)} feature", "maps"), PLAIN),
        "sound": Box(0.0, 0.09, 0.09, 0.19, "sound", (f"{len(ACOUSTIC)} features",), PLAIN),
        **{
            area: box(0.12 + 0.135 * i, 0.74, area, area, colour=SIGHT, said=planes[i])
            for i, area in enumerate(areas)
        },
        "A1": box(0.12, 0.09, "A1", "auditory cortex", colour=SOUND, said=size)._replace(
            width=0.25, title="A1: " + ", ".join(f"{n} {p}" for p, n in POPULATION_SIZE.items())
        ),
        "aSTG": box(
            0.5,
            0.40,
            "aSTG",
            "audio branch",
            "video branch",
            "interaction",
            "final layer",
            colour=FUSED,
            said=f"{model.n_fused} units",
        ),
        "thalamus": box(0.68, 0.09, "thalamus", "thalamus", colour=LIMBIC, said=f"gain {model.kappa:g}"),
        "amygdala": box(0.68, 0.40, "amygdala", "amygdala", colour=LIMBIC, said="excites"),
        "OFC": box(0.68, 0.74, "orbitofrontal", "orbitofrontal cortex", colour=LIMBIC, said="inhibits"),
        "PFC": box(0.845, 0.74, "prefrontal", "prefrontal cortex", colour=LIMBIC, said="fine-tunes O"),
        "EPP": Box(0.87, 0.40, 0.11, 0.19, "emotion E", (f"{len(EMOTIONS)} intensities", "→ EPP"), PLAIN),
    }
    arrows = [
        ("film", "V1"),
        ("V1", "V2"),
        ("V2", "V4"),
        ("V4", "IT"),
        ("IT", "aSTG"),
        ("sound", "A1"),
        ("A1", "aSTG"),
        ("aSTG", "amygdala"),
        ("aSTG", "OFC"),
        ("aSTG", "thalamus"),
        ("thalamus", "amygdala"),
        ("OFC", "PFC"),
        ("amygdala", "EPP"),
        ("OFC", "EPP"),
        ("PFC", "EPP"),
    ]
    return _diagram((7.4, 3.3), boxes, arrows)


def draw_framework(model: AVFBEL) -> Figure:
    """Draw Figure 2: the four modules, with what each is made of and costs."""
    table = model.parameter_table(n_outputs=len(EMOTIONS))
    network = _network(model)

    def of(names: Iterable[str]) -> tuple[str, str]:
        parts = [part for part in table if part.module in set(names)]
        trained, operations = sum(p.trained for p in parts), sum(p.operations for p in parts)
        return f"{trained:,} parameters", f"{operations:,} operations"

    sight = of(("V1", "V2", "V4", "IT", "visual decoder"))
    gyrus = of(("audio branch", "video branch", "interaction", "final layer"))
    limbic = of(("thalamus", "amygdala", "orbitofrontal cortex", "prefrontal cortex"))
    decoder = network.visual_cortex.decoder
    neurons = sum(POPULATION_SIZE.values())
    boxes = {
        "film": Box(0.0, 0.66, 0.13, 0.2, "film", ("five painted maps", "64 × 64"), PLAIN),
        "sound": Box(0.0, 0.14, 0.13, 0.2, "sound", (f"{len(ACOUSTIC)} features",), PLAIN),
        "sight": Box(
            0.18,
            0.58,
            0.23,
            0.36,
            type(network.visual_cortex).__name__,
            ("CORnet-Z over maps", "V1 → V2 → V4 → IT", *sight),
            SIGHT,
        ),
        "hear": Box(
            0.18,
            0.06,
            0.23,
            0.36,
            type(network.auditory_cortex).__name__,
            ("leaky integrate-and-fire", "PYR, PV, SOM", *of(("auditory cortex",))),
            SOUND,
        ),
        "gyrus": Box(
            0.5,
            0.32,
            0.21,
            0.36,
            type(network.temporal_gyrus).__name__,
            ("two branches, gates,", "interaction", *gyrus),
            FUSED,
        ),
        "limbic": Box(
            0.79,
            0.32,
            0.21,
            0.36,
            "brain emotional learning",
            (f"rule “{model.rule}”", f"E of {len(EMOTIONS)} emotions", *limbic),
            LIMBIC,
        ),
    }
    labels = {
        ("film", "sight"): "",
        ("sound", "hear"): "",
        ("sight", "gyrus"): f"X_a: {decoder.out_features}",
        ("hear", "gyrus"): f"X_m: {neurons}",
        ("gyrus", "limbic"): f"{len(network.fused_scale)}",
    }
    return _diagram((7.4, 3.0), boxes, list(labels), labels)


def draw_layers(model: AVFBEL) -> Figure:
    """Draw Figure 3: every layer with its shape and parameters, the recurrent limbic system included."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    network = _network(model)
    k, q, off = len(network.fused_scale), len(EMOTIONS), " (off)" if model.gamma == 0 else ""
    seen = traced_layers(network.visual_cortex, torch.zeros(1, len(MAPS), 64, 64))
    tuning = f"tuning of {len(ACOUSTIC)} features"
    heard = [Layer(f"{p} currents", tuning, (n,), 0) for p, n in POPULATION_SIZE.items()]
    trained = _count(network.auditory_cortex)
    heard.append(Layer("spike counts / 100", "closed form, 1 s", (sum(POPULATION_SIZE.values()),), trained))
    columns = [
        (type(network.visual_cortex).__name__, SIGHT, seen),
        (type(network.auditory_cortex).__name__, SOUND, heard),
        (type(network.temporal_gyrus).__name__, FUSED, linear_layers(network.temporal_gyrus)),
        (
            "limbic, local rule",
            LIMBIC,
            [
                Layer("V amygdala", f"{k} × {q}", (q,), k * q),
                Layer("U orbitofrontal", f"{k} × {q}", (q,), k * q),
                Layer("W prefrontal" + off, f"{k} × {k}", (q,), 0 if off else k * k),
                Layer("T thalamus", f"{q}", (q,), q),
            ],
        ),
        ("limbic, recurrent", LIMBIC, linear_layers(RecurrentLimbic(k, model.limbic_hidden, q))),
    ]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.2, 4.9), dpi=200)
        ax = _canvas(figure)
        width, gap, row = 0.188, 0.015, 0.077
        for i, (title, colour, layers) in enumerate(columns):
            x = i * (width + gap)
            ax.text(x + width / 2, 0.975, title, ha="center", va="center", weight="bold", size=7.5)
            for j, layer in enumerate(layers):
                shape = "×".join(map(str, layer.shape))
                count = f"; {layer.parameters:,} par." if layer.parameters else ""
                name = layer.name.removeprefix("areas.").replace("branches.", "")
                y = 0.94 - (j + 1) * row
                box = Box(x, y, width, row - 0.014, name, (layer.kind, f"→ {shape}{count}"), colour)
                _draw_box(ax, box, size=5.6)
        note = "order of building, from above; areas are shown before pooling; batch norm and gates not shown"
        ax.text(0.0, 0.005, note, size=6.5, color=FAINT, va="bottom")
    return figure


def _network(model: AVFBEL) -> Network:
    return Network(
        width=model.width, n_visual=model.n_visual, n_fused=model.n_fused, hidden=model.hidden
    ).eval()


def _canvas(figure: Figure) -> Axes:
    ax = figure.add_axes((0.01, 0.01, 0.98, 0.98))
    ax.set(xlim=(-0.005, 1.005), ylim=(0, 1))
    ax.set_axis_off()
    return ax


def _diagram(
    size: tuple[float, float],
    boxes: Mapping[str, Box],
    arrows: Iterable[tuple[str, str]],
    labels: Mapping[tuple[str, str], str] | None = None,
) -> Figure:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=size, dpi=200)
        ax = _canvas(figure)
        for pair in arrows:
            begin, end = _ends(boxes[pair[0]], boxes[pair[1]])
            style: Any = {"arrowstyle": "-|>", "color": FAINT, "linewidth": 0.9, "shrinkA": 1, "shrinkB": 1}
            ax.annotate("", end, begin, arrowprops=style)
            if text := (labels or {}).get(pair, ""):
                plate = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
                place: Any = {"ha": "center", "va": "center", "size": 7, "color": INK, "bbox": plate}
                ax.text((begin[0] + end[0]) / 2, (begin[1] + end[1]) / 2, text, **place)
        for box in boxes.values():
            _draw_box(ax, box)
    return figure


def _ends(one: Box, other: Box) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return where an arrow leaves one box and meets another: on facing sides."""
    if other.x > one.x + one.width:
        return (one.x + one.width, one.y + one.height / 2), (other.x, other.y + other.height / 2)
    up = other.y > one.y
    middle = max(one.x, other.x) + min(one.width, other.width) / 2
    return (middle, one.y + one.height * up), (middle, other.y + other.height * (not up))


def _draw_box(ax: Axes, box: Box, *, size: float = 6.5) -> None:
    from matplotlib.patches import FancyBboxPatch

    style: Any = {
        "boxstyle": "round,pad=0,rounding_size=0.008",
        "edgecolor": INK,
        "linewidth": 0.6,
        "zorder": 2,
    }
    ax.add_patch(FancyBboxPatch((box.x, box.y), box.width, box.height, facecolor=box.colour, **style))
    lines = [box.title, *box.lines]
    step = box.height / (len(lines) + 0.6)
    for i, line in enumerate(lines):
        y = box.y + box.height - step * (i + 0.8)
        weight = "bold" if i == 0 else "normal"
        ax.text(box.x + box.width / 2, y, line, ha="center", va="center", size=size, weight=weight, zorder=3)
