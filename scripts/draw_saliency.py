"""Draw the saliency of one stimulus for the docs, and measure how far saliency and occlusion agree.

Usage: python scripts/draw_saliency.py [--stimulus happy] [--out docs/images/saliency.png] [--film FILE]

The model is the shipped one. The agreement is Spearman's rank correlation over the cells in which anything
moved, for one window of each of the 38 stimuli, in exemplars that no training has seen. The table of medians
over windows, for the trained network and for networks whose weights were dealt anew, is printed, and written
into docs/saliency.md.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from avfbel import Bundle
from avfbel.brain.network import Network
from avfbel.files import write_whole
from avfbel.interpret.occlusion import agreement, cells_that_moved, picture_occlusion
from avfbel.interpret.saliency import network_inputs, picture_saliency, positivity
from avfbel.interpret.saliency_figure import draw_saliency
from avfbel.interpret.saliency_film import write_saliency_film
from avfbel.interpret.saliency_fold import explain_saliency
from avfbel.interpret.trained_network import limbic_inputs, trained_network
from avfbel.runtime import Predictor
from avfbel.runtime.figure import encode_figure
from avfbel.senses.features import SensoryFeatures
from avfbel.senses.sensorium import Sensorium
from avfbel.stimulus import compose, named, named_stimuli, render_frames, synthesize, write_stimulus

SEED, SECONDS = 3, 12.0
FPS, FIRST_SEED = 15, 7000
N_RANDOM, N_STEPS = 20, 32
Weights = Mapping[str, torch.Tensor]
PAGE = Path(__file__).parents[1] / "docs" / "saliency.md"
START, END = "<!-- agreement -->", "<!-- end -->"


def main() -> None:
    """Draw, then measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stimulus", default="happy")
    parser.add_argument("--out", type=Path, default=Path("docs/images/saliency.png"))
    parser.add_argument("--film", type=Path, help="where to write the overlay film")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        score = compose(named(options.stimulus), seed=SEED, seconds=SECONDS)
        files = write_stimulus(score, Path(folder), options.stimulus)
        film = next(path for path in files if path.suffix == ".mp4")
        told = explain_saliency(film)
        write_whole(options.out, encode_figure(draw_saliency(told, film), "png"))
        print(options.out)
        if options.film:
            write_saliency_film(told, film, options.film)
            print(options.film)
    table = measure()
    print(table)
    before, rest = PAGE.read_text(encoding="utf-8").split(START)
    _, after = rest.split(END)
    write_whole(PAGE, f"{before}{START}\n{table}\n{END}{after}".encode())


def measure() -> str:
    """Return, as a table, how far each stage agrees with occlusion, trained and random."""
    bundle = Bundle.open("default")
    windows = [one_window(name, FIRST_SEED + i) for i, name in enumerate(named_stimuli())]
    predictor = Predictor(bundle)
    occlusions = [picture_occlusion(predictor, window) for window in windows]
    moved = [cells_that_moved(window) for window in windows]
    weights, network = limbic_inputs(bundle), trained_network(bundle)

    def agreements(maps: NDArray[np.float64]) -> list[float]:
        each = (agreement(*three) for three in zip(maps, occlusions, moved, strict=True))
        return [0.0 if np.isnan(one) else one for one in each]  # a map that is all alike agrees with nothing

    def row(name: str, each: list[float]) -> str:
        share = np.mean([one >= 0.5 for one in each])
        return f"| {name} | {np.median(each):.2f} | {min(each):.2f} | {max(each):.2f} | {share:.0%} |"

    own, averaged = (
        picture_saliency(network, weights, windows, averaged=how).stages for how in (False, True)
    )
    rows = ["| map | median | lowest | highest | windows at 0.5 or above |", "|---|---|---|---|---|"]
    rows += [row("gradient" if stage == "input" else stage, agreements(maps)) for stage, maps in own.items()]
    rows += [row(f"{stage}, as Grad-CAM", agreements(averaged[stage])) for stage in ("V1", "V2", "V4")]
    rows.append(row("gradient × map in its own units", agreements(in_own_units(network, weights, windows))))
    rows.append(row("integrated gradients", agreements(integrated(network, weights, windows))))
    shuffles = (
        picture_saliency(shuffled(seed), weights, windows).stages["input"] for seed in range(N_RANDOM)
    )
    random = [float(np.median(agreements(maps))) for maps in shuffles]
    rows.append(row(f"gradient, {N_RANDOM} shuffled networks (medians)", random))
    n_moved = np.mean([cells.sum() for cells in moved])
    rows += [
        "",
        f"*{len(windows)} windows, in which something moved in {n_moved:.0f} of 64 cells on average; model "
        f"{bundle.name} {bundle.version}, sha256 {bundle.sha256[:12]}.*",
    ]
    return "\n".join(rows)


def in_own_units(network: Network, weights: Weights, windows: list[SensoryFeatures]) -> NDArray[np.float64]:
    """Return gradient x map, taken on the maps in the units of the features."""
    feed = network_inputs(network, windows)
    feed["maps"].requires_grad_(True)
    epp = positivity(network(**feed, **weights).emotion)
    (gradient,) = torch.autograd.grad(epp.sum(), feed["maps"])
    return (gradient * feed["maps"]).sum(dim=1).detach().double().numpy()


def integrated(network: Network, weights: Weights, windows: list[SensoryFeatures]) -> NDArray[np.float64]:
    """Return integrated gradients from nothing to the standardised maps, by the midpoint rule."""
    total = 0.0
    for share in (np.arange(N_STEPS) + 0.5) / N_STEPS:
        hook = network.visual_cortex.scale.register_forward_hook(lambda _m, _i, given, a=share: a * given)
        total += picture_saliency(network, weights, windows).stages["input"] / share / N_STEPS
        hook.remove()
    return np.asarray(total)


def one_window(name: str, seed: int) -> SensoryFeatures:
    """Measure the first 4 s of a stimulus, without writing a file."""
    score = compose(named(name), seed=seed, seconds=4.0)
    senses = Sensorium()
    windows = senses.push_audio(synthesize(score)[: 4 * 44_100], 44_100, 0.0)
    for k, frame in zip(range(4 * FPS), render_frames(score, FPS, size=(250, 300)), strict=False):
        windows += senses.push_frame(frame, k / FPS)
    return (windows + senses.finish(4.0))[0]


def shuffled(seed: int) -> Network:
    """Return the trained network with the weights of each layer of visual cortex and gyrus dealt anew."""
    network = trained_network()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for part in (network.visual_cortex, network.temporal_gyrus):
            for weights in part.parameters():
                order = torch.randperm(weights.numel(), generator=generator)
                weights.copy_(weights.flatten()[order].reshape(weights.shape))
    return network


if __name__ == "__main__":
    main()
