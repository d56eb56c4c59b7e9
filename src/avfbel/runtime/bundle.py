"""A trained model on disk: a folder, or a zip of it, of network, weights and card, checked before use."""

from __future__ import annotations

import hashlib
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avfbel._version import __version__
from avfbel.errors import InputError

BUNDLE_FORMAT = "avfbel-bundle/1"
"""The format of bundles that this version reads."""

CARD, MODEL, WEIGHTS = "card.json", "model.onnx", "weights.safetensors"
WEIGHT_NAMES = ("V", "U", "W", "T", "gain")
"""What brain emotional learning has learned, and one gain a region: fed into the network at each call."""

_NEEDED = {
    "format": str,
    "name": str,
    "version": str,
    "feature_ranges": dict,
    "may_be_missing": list,
    "regions": list,
    "sha256": dict,
}


@dataclass(frozen=True, kw_only=True, eq=False)  # weights have no single truth value
class Bundle:
    """A trained model, read and verified. Made by `Bundle.open`.

    Attributes
    ----------
    source : str
        What was opened: ``"default"`` or a path.
    card : Mapping
        The content of ``card.json``: what the model is, what it was trained on and how well it predicts.
    weights : Mapping of str to ndarray
        V, U, W, T and gain, the inputs of the network that adapting and lesions change.
    network : bytes
        The content of ``model.onnx``.
    sha256 : str
        Digest of the card. As the card holds the digests of the other files, it stands for the whole bundle.
    """

    source: str
    card: Mapping[str, Any]
    weights: Mapping[str, NDArray[np.float32]]
    network: bytes = field(repr=False)
    sha256: str

    @classmethod
    def open(cls, bundle: str | PathLike[str] | Bundle = "default") -> Bundle:
        """Read a bundle and check that it is whole, unaltered and of a format that this version reads.

        Parameters
        ----------
        bundle : str, path or Bundle
            A folder, a zip of it, or ``"default"`` for the model shipped with the package (a folder of
            that name is ``"./default"``). A bundle that is open already is returned as it is.

        Returns
        -------
        Bundle
            The verified bundle.

        Raises
        ------
        InputError
            If there is none, a file is missing or was altered, or the format is another one.
        """
        if isinstance(bundle, Bundle):
            return bundle
        source = str(bundle)
        read = _reader(source)
        card_bytes = read(CARD)
        card = _checked_card(card_bytes, source)
        content = {name: read(name) for name in sorted({MODEL, WEIGHTS, *card["sha256"]})}
        for name, data in content.items():
            _verify(name, data, card["sha256"].get(name), source)
        return cls(
            source=source,
            card=card,
            weights=_weights(content[WEIGHTS], source),
            network=content[MODEL],
            sha256=hashlib.sha256(card_bytes).hexdigest(),
        )

    @property
    def name(self) -> str:
        """Name of the model."""
        return str(self.card["name"])

    @property
    def version(self) -> str:
        """Version of the model."""
        return str(self.card["version"])

    @property
    def regions(self) -> tuple[str, ...]:
        """Names of the modelled brain regions, in the order of the network's output."""
        return tuple(self.card["regions"])

    @property
    def feature_ranges(self) -> dict[str, tuple[float, float]]:
        """Smallest and largest value of each feature in training, in the unit of the feature."""
        return {name: (float(low), float(high)) for name, (low, high) in self.card["feature_ranges"].items()}

    @property
    def senses(self) -> tuple[str, ...]:
        """The senses that the model has: "audio", "video", or both."""
        kinds = self.card.get("kinds", ["fused"])
        return tuple(sense for sense in ("audio", "video") if sense in kinds or "fused" in kinds)

    def interval(self, epp: float, g_audio: float, g_video: float) -> tuple[float | None, float | None]:
        """Return within which bounds the mean rating of such a clip is to be expected.

        Parameters
        ----------
        epp : float
            Predicted positivity of a window that lies in the range of training.
        g_audio, g_video : float
            Evidence of each sense: intervals of sound alone, picture alone and both differ.

        Returns
        -------
        low, high : float or None
            In [0, 1]; None where no interval was calibrated, or there is no evidence.
        """
        kind = "fused" if min(g_audio, g_video) > 0 else "audio" if g_audio > 0 else "video"
        calibrated = (self.card.get("intervals") or {}).get(kind)
        if calibrated is None or max(g_audio, g_video) <= 0:
            return None, None
        width = float(calibrated["half_width"])
        return max(0.0, epp - width), min(1.0, epp + width)

    @property
    def may_be_missing(self) -> frozenset[str]:
        """Features that were missing in some windows of training although their sense had evidence."""
        return frozenset(self.card["may_be_missing"])


def _reader(source: str) -> Any:
    """Return a function that reads a file of the bundle by name."""
    if source == "default":
        shipped = files("avfbel") / "bundles" / "default"
        if not (shipped / CARD).is_file():
            raise InputError(
                "this installation of avfbel holds no default model: train one with "
                "`avfbel train sievers2021 --model avf-bel --out BUNDLE` and name it with --model BUNDLE"
            )
        return lambda name: _read_file(shipped / name, name, source)
    path = Path(source)
    if path.is_dir():
        return lambda name: _read_file(path / name, name, source)
    if not path.is_file():
        raise InputError(f"there is no bundle {source}: name a folder or zip that `avfbel train` has written")
    if not zipfile.is_zipfile(path):
        raise InputError(
            f"{source} is neither a folder nor a zip: name a bundle that `avfbel train` has written"
        )
    return lambda name: _read_member(path, name, source)


def _read_file(path: Any, name: str, source: str) -> bytes:
    try:
        return bytes(path.read_bytes())
    except OSError as error:
        raise _missing(name, source) from error


def _read_member(path: Path, name: str, source: str) -> bytes:
    """Read a file from a zip of the bundle's files, or of the folder that holds them."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.namelist() if Path(member).name == name]
            if not members:
                raise _missing(name, source)
            return archive.read(min(members, key=lambda member: member.count("/")))
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"the zip {source} is damaged: copy or train the bundle again") from error


def _missing(name: str, source: str) -> InputError:
    return InputError(f"the bundle {source} lacks {name}: copy it again whole, or train another")


def _checked_card(data: bytes, source: str) -> dict[str, Any]:
    try:
        card: dict[str, Any] = json.loads(data)
    except ValueError as error:
        raise InputError(f"{CARD} of the bundle {source} is not JSON: copy the bundle again whole") from error
    card = card if isinstance(card, dict) else {}
    found = card.get("format", "none")
    if found != BUNDLE_FORMAT:
        raise InputError(
            f"the bundle {source} has the format {found!r} and avfbel {__version__} reads {BUNDLE_FORMAT!r}: "
            f"use the version that wrote it ({card.get('avfbel', 'unknown')}), or train the model again"
        )
    for key, kind in _NEEDED.items():
        if not isinstance(card.get(key), kind):
            raise InputError(f"{CARD} of the bundle {source} lacks {key!r}: train the model again")
    for name, bounds in card["feature_ranges"].items():
        if not (
            isinstance(bounds, list)
            and len(bounds) == 2
            and all(isinstance(bound, int | float) and math.isfinite(bound) for bound in bounds)
        ):
            raise InputError(
                f"{CARD} of the bundle {source} gives no range of {name!r}: train the model again"
            )
    for name in card["sha256"]:
        if Path(name).name != name:
            raise InputError(f"{CARD} of the bundle {source} names a file outside it: do not use this bundle")
    return card


def _verify(name: str, data: bytes, expected: Any, source: str) -> None:
    if hashlib.sha256(data).hexdigest() != expected:
        raise InputError(
            f"{name} of the bundle {source} was tampered with or damaged (its sha256 is not that of {CARD}): "
            "get the bundle again from where it came, or train the model again"
        )


def _weights(data: bytes, source: str) -> dict[str, NDArray[np.float32]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        weights = load(data)
    except SafetensorError as error:
        raise InputError(f"{WEIGHTS} of the bundle {source} cannot be read: train the model again") from error
    lacking = [name for name in WEIGHT_NAMES if name not in weights]
    if lacking:
        raise InputError(
            f"{WEIGHTS} of the bundle {source} lacks {', '.join(lacking)}: train the model again"
        )
    return {name: np.asarray(weights[name], dtype=np.float32) for name in WEIGHT_NAMES}
