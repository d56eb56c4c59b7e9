"""From a file to its analysis: a fold of the decoded file over the stream."""

from __future__ import annotations

import hashlib
import platform
from os import PathLike, fsencode
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avfbel._version import __version__
from avfbel.errors import InputError
from avfbel.runtime.analysis import Analysis
from avfbel.runtime.engine import Predictor
from avfbel.runtime.stream import Stream
from avfbel.senses.sensorium import Modality, fold, open_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from avfbel.runtime.bundle import Bundle
    from avfbel.runtime.stream import WindowResult
    from avfbel.senses.media import Media


def analyze(
    path: str | PathLike[str],
    *,
    model: str | PathLike[str] | Bundle | Predictor = "default",
    window: float = 4.0,
    hop: float = 1.0,
    modality: Modality = "both",
    attribution: bool = False,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Analysis:
    """Predict the emotional positivity of a film or sound file over time.

    The file is decoded once and pushed through a `Stream`, in memory that does not grow with its length. The
    same file, bundle and settings give the same numbers to the last bit.

    Parameters
    ----------
    path : path
        A film or sound file in any format that FFmpeg decodes. A missing track is no error: its pathway is
        silent.
    model : str, path, Bundle or Predictor
        The trained model; see `Bundle.open`.
    window, hop : float
        Length of a window and distance of the starts of windows, in s. A shorter clip is one window; the last
        window ends with the clip.
    modality : {"both", "audio", "video"}
        The senses in use; the other track is not decoded.
    attribution : bool
        Whether to tell where the EPP of each window comes from; see `Analysis.to_frame`.
    threads : int, optional
        Decoding threads; by default as many as there are cores. The result does not depend on it.
    progress : callable, optional
        Called at each window with the time in s up to which the clip is analysed.

    Returns
    -------
    Analysis
        The windows, what the whole clip comes to, and where it comes from.

    Raises
    ------
    InputError
        If the file or the bundle cannot be used, or the bundle lacks what attribution compares with.
    UsageError
        If a length is not positive or the modality is unknown.

    Examples
    --------
    >>> import avfbel
    >>> analysis = avfbel.analyze("film.mp4")  # doctest: +SKIP
    >>> analysis.epp, len(analysis.windows)  # doctest: +SKIP
    (0.734, 9)
    """
    predictor = model if isinstance(model, Predictor) else Predictor(model)
    stream = Stream(predictor, window=window, hop=hop, modality=modality, attribution=attribution)
    with open_for(path, modality, threads=threads) as media:
        windows = []
        for result in fold(media, stream):
            windows.append(result)
            if progress is not None:
                progress(result.end_s)
        if not windows:
            raise InputError(f"{path} has no length: export it again")
        return Analysis(
            media=shown(path),
            duration_s=media.duration_s,
            has_audio=media.has_audio,
            has_video=media.has_video,
            complete=media.complete,
            windows=tuple(windows),
            model={"name": predictor.bundle.name, "version": predictor.bundle.version},
            provenance=provenance(path, predictor.bundle, settings_of(window, hop, modality, attribution)),
            notes=(*notes_on(path, media, modality), *_without_evidence(path, windows)),
        )


def shown(path: str | PathLike[str]) -> str:
    """Return a path as text that any file or screen takes: bytes that are not UTF-8 become question marks."""
    return fsencode(path).decode("utf-8", "replace")


def settings_of(window: float, hop: float, modality: Modality, attribution: bool = False) -> dict[str, Any]:
    """Return the settings that a result depends on, as its provenance holds them."""
    asked = {"attribution": True} if attribution else {}
    return {"window": float(window), "hop": float(hop), "modality": modality, **asked}


def digest(path: str | PathLike[str]) -> str:
    """Return the sha256 of a file, read piece by piece."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def provenance(path: str | PathLike[str], bundle: Bundle, settings: dict[str, Any]) -> dict[str, Any]:
    """Return what a result of a file was computed from and with; see `settings_of`."""
    return {
        "input_sha256": digest(path),
        "bundle_sha256": bundle.sha256,
        "bundle": shown(bundle.source),
        "avfbel": __version__,
        "settings": settings,
        "seed": bundle.card.get("seed"),
        "versions": versions(),
        "processor": processor(),
    }


def processor() -> dict[str, Any]:
    """Return the kind of this processor: the last bits of numbers depend on what it computes in one go.

    Returns
    -------
    dict
        ``machine`` (such as x86_64), ``system`` (such as Linux), and ``vectors``, the extensions of its
        instructions that numpy finds.
    """
    import numpy

    found: Any = numpy.show_config(mode="dicts")
    vectors = sorted(found.get("SIMD Extensions", {}).get("found", ()))
    return {"machine": platform.machine(), "system": platform.system(), "vectors": vectors}


def versions() -> dict[str, str]:
    """Return the versions of the libraries that the numbers pass through."""
    import av
    import numpy
    import onnxruntime
    import scipy

    return {module.__name__: str(module.__version__) for module in (av, numpy, onnxruntime, scipy)}


def notes_on(path: str | PathLike[str], media: Media, modality: Modality) -> tuple[str, ...]:
    """Return what a reader of any result of a file should know: a missing track, an end that is damaged."""
    notes = []
    if modality == "both" and not media.has_audio:
        notes.append(f"{shown(path)} has no sound: EPP comes from the picture alone")
    if modality == "both" and not media.has_video:
        notes.append(f"{shown(path)} has no film: EPP comes from the sound alone")
    if not media.complete:
        notes.append(
            f"{shown(path)} ends early or is damaged: analysed as far as it decodes "
            f"({media.duration_s:.1f} s), export or download it again for the rest"
        )
    return tuple(notes)


def _without_evidence(path: str | PathLike[str], windows: list[WindowResult]) -> tuple[str, ...]:
    if any(window.evidence for window in windows):
        return ()
    return (f"nothing moves or sounds in {shown(path)}: EPP is 0.5 for lack of evidence",)
