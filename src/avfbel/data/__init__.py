"""What people felt: ratings, norms, manifests of one's own clips, and data sets measured from them.

Nothing here knows of models. Names are resolved on first use, so that a room that only needs the norms loads
no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from avfbel.lazy import on_first_use

if TYPE_CHECKING:
    from avfbel.data.dataset import Dataset as Dataset
    from avfbel.data.dataset import load_dataset as load_dataset
    from avfbel.data.manifest import Clip as Clip
    from avfbel.data.manifest import Manifest as Manifest
    from avfbel.data.manifest import ManifestError as ManifestError
    from avfbel.data.manifest import read_manifest as read_manifest
    from avfbel.data.norms import Norms as Norms
    from avfbel.data.norms import compute_norms as compute_norms
    from avfbel.data.norms import load_norms as load_norms
    from avfbel.data.norms import load_reliability as load_reliability
    from avfbel.data.norms import norm_emotions as norm_emotions
    from avfbel.data.ratings import Ratings as Ratings
    from avfbel.data.ratings import find_ratings as find_ratings
    from avfbel.data.ratings import load_ratings as load_ratings
    from avfbel.data.targets import KINDS as KINDS
    from avfbel.data.targets import Targets as Targets
    from avfbel.data.targets import rewards_from as rewards_from

_HOME = {
    "Clip": "manifest",
    "Dataset": "dataset",
    "KINDS": "targets",
    "Manifest": "manifest",
    "ManifestError": "manifest",
    "Norms": "norms",
    "Ratings": "ratings",
    "Targets": "targets",
    "compute_norms": "norms",
    "find_ratings": "ratings",
    "load_dataset": "dataset",
    "load_norms": "norms",
    "load_ratings": "ratings",
    "load_reliability": "norms",
    "norm_emotions": "norms",
    "read_manifest": "manifest",
    "rewards_from": "targets",
}

__all__ = list(_HOME)
__getattr__, __dir__ = on_first_use(__name__, _HOME)
