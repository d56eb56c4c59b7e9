"""The table of a composition: what each clip was made from, and what the model makes of it."""

from __future__ import annotations

from avfbel.compose.search import Composed, Composition
from avfbel.compose.space import NAMES
from avfbel.runtime.files import Cell, encode_csv

COLUMNS = (
    *("media", *NAMES, "seed", "quantity", "target", "predicted", "low", "high", "in_range"),
    *("setting_mean", "setting_sd"),
)


def encode_table(composition: Composition) -> bytes:
    """Return the table as CSV, one row a clip, an empty cell for what there is not."""
    return encode_csv(COLUMNS, [_row(composition, clip) for clip in composition.clips])


def _row(composition: Composition, clip: Composed) -> list[Cell]:
    wish = composition.wish
    return [
        clip.written.media.name,
        *(float(getattr(clip.parameters, name)) for name in NAMES),
        clip.written.setting.seed,
        wish.quantity,
        None if wish.of_emotion else wish.target,
        clip.predicted,
        clip.low,
        clip.high,
        clip.written.told.in_range,
        clip.setting_mean,
        clip.setting_sd,
    ]
