"""What all audio-visual experiments share: tables, words, a figure, and where the numbers come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avfbel._version import __version__
from avfbel.files import write_whole
from avfbel.interpret.experiment_responses import Table
from avfbel.interpret.experiment_staging import Gauge
from avfbel.interpret.stimulus_intervals import METHOD
from avfbel.runtime.bundle import Bundle
from avfbel.runtime.figure import encode_figure
from avfbel.runtime.files import encode_csv, encode_json

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from avfbel.stimulus.plans import Clip


@dataclass(frozen=True, kw_only=True, eq=False)  # arrays have no single truth value
class Experiment(ABC):
    """The outcome of an experiment on a model.

    Attributes
    ----------
    model : str
        Name of the model.
    provenance : dict
        What the numbers were computed from and with.
    """

    model: str
    provenance: dict[str, Any]

    @abstractmethod
    def tables(self) -> dict[str, Table]:
        """Return the tables by the names of their files; the first one is the main one."""

    @abstractmethod
    def sentences(self) -> list[str]:
        """Say in words what was found, whichever way it fell."""

    @abstractmethod
    def draw(self) -> Figure:
        """Draw the experiment."""

    def to_frame(self, table: str | None = None) -> pd.DataFrame:
        """Return one of the tables as a data frame; the main one by default."""
        import pandas as pd

        tables = self.tables()
        found = tables[table or next(iter(tables))]
        return pd.DataFrame(found.rows, columns=list(found.columns))

    def plot(self, path: str | Path) -> Path:
        """Write the figure to a file that ends in .png, .svg or .pdf, and return its path."""
        path = Path(path)
        return write_whole(path, encode_figure(self.draw(), path.suffix.removeprefix(".")))

    def to_dict(self) -> dict[str, Any]:
        """Return the experiment as its JSON holds it, without the rows of the main table."""
        main, *others = self.tables().items()
        return {
            "experiment": main[0],
            "model": self.model,
            "found": self.sentences(),
            **{name: [dict(zip(of.columns, row, strict=True)) for row in of.rows] for name, of in others},
            "provenance": self.provenance,
        }


def write_experiment(experiment: Experiment, out: Path) -> list[Path]:
    """Write the tables (.csv), the findings (.json) and the figure (.png) of an experiment.

    Parameters
    ----------
    experiment : Experiment
        What to write.
    out : Path
        Folder, made if it is not there.

    Returns
    -------
    list of Path
        The files.
    """
    out.mkdir(parents=True, exist_ok=True)
    tables = experiment.tables()
    main = next(iter(tables))
    written = [
        write_whole(out / f"{name}.csv", encode_csv(of.columns, of.rows)) for name, of in tables.items()
    ]
    written.append(write_whole(out / f"{main}.json", encode_json(experiment.to_dict())))
    return [*written, experiment.plot(out / f"{main}.png")]


def provenance(bundle: Bundle, gauge: Gauge, clips: Sequence[Clip], seed: int) -> dict[str, Any]:
    """Return what an experiment was computed from and with."""
    import onnxruntime

    return {
        "bundle_sha256": bundle.sha256,
        "avfbel": __version__,
        "settings": asdict(gauge),
        "clips": {
            "stimuli": list(dict.fromkeys(clip.stimulus for clip in clips)),
            "exemplars": max(clip.exemplar for clip in clips) + 1,
            "seed": seed,
        },
        "intervals": METHOD,
        "versions": {"numpy": np.__version__, "onnxruntime": str(onnxruntime.__version__)},
    }
