"""Sensory regions that learn without ratings: taught by a corpus, written, read, and the shipped ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avfbel.data.targets import KINDS
from avfbel.errors import InputError, UsageError
from avfbel.files import write_whole

if TYPE_CHECKING:
    from avfbel.brain.cortex import Cortex
    from avfbel.brain.lines import LineSettings
    from avfbel.brain.samples import Samples
    from avfbel.data import Dataset

SHIPPED = "default"
NONE = "none"
_FORMAT = "avfbel-cortex/1"
HELD_OUT = 0.1
"""Share of the clips that is kept to tell how well a cortex tells the features of others."""
FEWEST_CLIPS = 10
"""Of which one is held out."""


def line_settings(*, epochs: int | None = None, seed: int = 0) -> LineSettings:
    """Return how a cortex is to learn.

    Parameters
    ----------
    epochs : int, optional
        Passes; those of `LineSettings` by default.
    seed : int
        The same seed learns the same cortex.

    Raises
    ------
    ImportError
        If torch is not installed, naming the remedy.
    """
    try:
        from avfbel.brain.lines import LineSettings
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ImportError('pretrain needs torch: pip install "avfbel[train]"', name="torch") from error
    settings = LineSettings(seed=seed)
    return settings if epochs is None else replace(settings, epochs=epochs)


def learn_cortex(
    data: Dataset,
    settings: LineSettings | None = None,
    *,
    progress: Callable[[int, float], None] | None = None,
) -> Cortex:
    """Let sensory regions learn to tell what eye and ear measure, and see how well they tell it of new clips.

    The last tenth of the clips is held out for the figures of the story; what is returned has learned from
    the others.

    Parameters
    ----------
    data : Dataset
        Clips; ratings are not looked at.
    settings : LineSettings, optional
        Architecture and optimisation.
    progress : callable, optional
        Called after each epoch with its number, from 1, and its loss.

    Returns
    -------
    Cortex
        With a story: what it learned from, its loss curve, and for each feature the correlation of what the
        code tells with what was measured, over windows of the clips held out.

    Raises
    ------
    UsageError
        If there are fewer than ten clips, nothing is heard or nothing moves in those that are learned from,
        or learning diverges.
    """
    from avfbel.brain.cortex import Cortex
    from avfbel.brain.lines import LineSettings, fidelity, learn_lines

    settings = settings or LineSettings()
    learned = round((1 - HELD_OUT) * data.n_clips)
    samples = _every_window(data)
    new = data.clip[samples.row] >= learned
    _check_clips(data, samples.sample_evidence[~new])
    network, lines, losses = learn_lines(samples.select(~new), settings, progress=progress)
    if not np.isfinite(losses[-1]):
        raise UsageError("learning diverged: learn with a lower learning_rate")
    told = fidelity(network, lines, samples.select(new))
    story = {
        "learned_from": f"{learned} clips of {data.name}, without ratings",
        "window_s": data.window,
        "loss_curve": [round(loss, 5) for loss in losses],
        "fidelity": {name: round(r, 4) for name, r in told.items()},
    }
    return Cortex.of(network, settings, story)


def _check_clips(data: Dataset, evidence: NDArray[np.floating[Any]]) -> None:
    """Refuse what leaves a sense without lessons: it would stay as random as it began, and still speak."""
    remedy = "make some with `avfbel corpus build --random`, or add films of your own"
    if data.n_clips < FEWEST_CLIPS:
        raise UsageError(
            f"{data.manifest}: a cortex learns from hundreds of clips, and there are {data.n_clips}: {remedy}"
        )
    for sense, lacking in enumerate(("has sound", "shows movement")):
        if not evidence[:, sense].any():
            raise UsageError(
                f"{data.manifest}: no clip to learn from {lacking}, and a cortex needs both senses: {remedy}"
            )


def _every_window(data: Dataset) -> Samples:
    """Return every window heard, seen, and both."""
    from avfbel.learn.candidates import all_samples

    parts = [all_samples(data, kind) for kind in KINDS if data.available(kind).any()]
    return replace(
        parts[0],
        row=np.concatenate([part.row for part in parts]),
        mask=np.concatenate([part.mask for part in parts]),
    )


def write_cortex(cortex: Cortex, path: str | Path) -> Path:
    """Write sensory regions as one safetensors file, whole or not at all, and return its path.

    The story goes along, but for the sha256 of a file that they were read from. Equal regions give equal
    bytes.
    """
    from safetensors.numpy import save

    story = {name: value for name, value in cortex.story.items() if name != "sha256"}
    told = {
        "format": _FORMAT,
        "settings": json.dumps(asdict(cortex.settings)),
        "story": json.dumps(story, allow_nan=False),
    }
    weights = {name: np.array(w, order="C") for name, w in cortex.weights.items()}
    return write_whole(path, _in_order(save(weights, told)))


def _in_order(data: bytes) -> bytes:
    """Return a safetensors file with its head sorted: it comes in any order, and a digest is of bytes."""
    length = int.from_bytes(data[:8], "little")
    head = json.dumps(json.loads(data[8 : 8 + length]), sort_keys=True, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    return len(head).to_bytes(8, "little") + head + data[8 + length :]


def read_cortex(source: str | Path = SHIPPED) -> Cortex:
    """Read sensory regions.

    Parameters
    ----------
    source : str or path
        A file that `write_cortex` has written, or "default" for the one shipped with the package.

    Returns
    -------
    Cortex
        Ready for ``AVFBEL(cortex=...)``; its story names the sha256 of the file.

    Raises
    ------
    InputError
        If the file is missing, damaged, of another format, or its weights are not those of a cortex.
    """
    return _parsed(_content(str(source)), str(source))


def cortex_digest(source: str | Path) -> str:
    """Return the sha256 of a cortex as hexadecimal, or "none"; without reading it with torch.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    return NONE if str(source) == NONE else hashlib.sha256(_content(str(source))).hexdigest()


def _content(source: str) -> bytes:
    if source == SHIPPED:
        return (files("avfbel") / "bundles" / "cortex.safetensors").read_bytes()
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise InputError(
            f"no cortex at {source}: name a file that `avfbel pretrain` has written, or default, or none"
        ) from error


def _parsed(data: bytes, source: str) -> Cortex:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    from avfbel.brain.cortex import Cortex
    from avfbel.brain.gradient import reproducible
    from avfbel.brain.lines import LineSettings

    try:
        told = _header(data)
        settings = LineSettings(**json.loads(told["settings"]))
        story = {**json.loads(told["story"]), "sha256": hashlib.sha256(data).hexdigest()}
        cortex = Cortex(settings=settings, weights=load(data), story=story)
        with reproducible(0):  # random weights are drawn before the read ones take their place
            cortex.network(kappa=0.0)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise InputError(
            f"{source} is no cortex that this version reads: write one with `avfbel pretrain`"
        ) from error
    return cortex


def _header(data: bytes) -> dict[str, Any]:
    """Return the texts in the head of a safetensors file, if it is a cortex."""
    length = int.from_bytes(data[:8], "little")
    told: dict[str, Any] = json.loads(data[8 : 8 + length])["__metadata__"]
    if told["format"] != _FORMAT:
        raise ValueError("another format")
    return told
