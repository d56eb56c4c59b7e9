"""What the paper prints, and the cuts with which its precision and recall come out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SOUND_CUT, FUSED_CUT = 0.2, 0.11
"""The cuts with which the printed precision and recall of M-BEL and of AVF-BEL come out."""


def printed() -> dict[str, Any]:
    """Return what the paper prints: Table 2, and the similarities and the parameter count in its text.

    Examples
    --------
    >>> printed()["table2"]["avf-bel"]["similarity"]
    77.69
    """
    return dict(json.loads(Path(__file__).with_name("printed.json").read_text(encoding="utf-8")))
