"""The files of saliency: a picture, tables and an overlay film, each written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from avfbel.files import whole_files, write_whole
from avfbel.interpret.saliency_clip import SOUND_COLUMNS

if TYPE_CHECKING:
    from avfbel.runtime.bundle import Bundle


class Written(NamedTuple):
    """What was written, what a reader of it should know, and what is wrong with the clip ("" if nothing)."""

    files: tuple[Path, ...]
    notes: tuple[str, ...]
    fault: str = ""


def write_saliency(
    path: str | PathLike[str],
    out: str | PathLike[str],
    *,
    model: str | PathLike[str] | Bundle = "default",
    window: float = 4.0,
    hop: float = 1.0,
    film: bool = True,
    progress: Callable[[str, int, int], None] | None = None,
) -> Written:
    """Write where in the picture and when in the sound the EPP of a file comes from.

    Parameters
    ----------
    path : path
        A film or sound file.
    out : path
        Folder, made if needed: ``NAME.saliency-picture.csv``, ``NAME.saliency-sound.csv``,
        ``NAME.saliency.png`` and, unless there is no picture, ``NAME.saliency.mp4``.
    model, window, hop
        As in `avfbel.interpret.saliency_fold.explain_saliency`.
    film : bool
        Whether to write the overlay film.
    progress : callable, optional
        Told of stages, with seconds done and in all (0: unknown).

    Returns
    -------
    Written
        The files, notes, and a sentence about a clip that ends early.

    Raises
    ------
    InputError, UsageError, ImportError
        As `explain_saliency`.
    """
    from avfbel.interpret.saliency_figure import draw_saliency
    from avfbel.interpret.saliency_film import write_saliency_film
    from avfbel.interpret.saliency_fold import explain_saliency
    from avfbel.runtime.figure import encode_figure
    from avfbel.runtime.files import encode_csv
    from avfbel.runtime.plan import check_writable

    def tell(stage: str, length_s: float = 0.0) -> Callable[[float], None] | None:
        return None if progress is None else lambda done_s: progress(stage, int(done_s), int(length_s))

    folder = Path(out)
    check_writable(folder)
    told = explain_saliency(path, model=model, window=window, hop=hop, progress=tell("seconds explained"))
    stem = str(folder / Path(path).name)
    files = []
    if told.has_picture:
        table = encode_csv(told.picture_columns(), told.picture_rows())
        files.append(write_whole(f"{stem}.saliency-picture.csv", table))
    if told.has_sound:
        files.append(write_whole(f"{stem}.saliency-sound.csv", encode_csv(SOUND_COLUMNS, told.sound_rows())))
    files.append(write_whole(f"{stem}.saliency.png", encode_figure(draw_saliency(told, path), "png")))
    if film and told.has_picture:
        target = Path(f"{stem}.saliency.mp4")
        with whole_files(target) as (fresh,):
            write_saliency_film(told, path, fresh, progress=tell("seconds filmed", told.duration_s))
        files.append(target)
    fault = ""
    if not told.complete:
        fault = (
            f"{path} ends early or is damaged: explained as far as it decodes ({told.duration_s:.3g} s), "
            "export or download it again for the rest"
        )
    return Written(tuple(files), notes_on(told.has_picture, told.has_sound), fault)


def notes_on(has_picture: bool, has_sound: bool) -> tuple[str, ...]:
    """Return what a reader should know about a sense that has nothing to tell.

    Examples
    --------
    >>> notes_on(True, False)
    ('there is no sound that the model hears: no table tells when in the sound',)
    """
    silent = "there is no sound that the model hears: no table tells when in the sound"
    blind = "there is no film that the model sees: no table, overlay or film tells where in the picture"
    return (*([] if has_picture else [blind]), *([] if has_sound else [silent]))
