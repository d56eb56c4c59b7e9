"""What the model makes of clips: sketched in memory to find out fast, or written and analysed for good."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from avfbel.data.cache import code_digest, user_cache
from avfbel.errors import UsageError
from avfbel.files import write_whole
from avfbel.parallel import map_tasks
from avfbel.runtime.analysis import Analysis
from avfbel.runtime.engine import Predictor
from avfbel.runtime.fold import analyze, versions
from avfbel.runtime.stream import Stream
from avfbel.senses.sensorium import Modality
from avfbel.stimulus import Rendition, compose, render_frames, synthesize, write_stimulus
from avfbel.stimulus.parameters import StimulusParameters
from avfbel.stimulus.rendition import Only
from avfbel.stimulus.sound import RATE

if TYPE_CHECKING:
    from avfbel.runtime.bundle import Bundle

SIZE, FPS = (250, 300), 30
"""Of sketched films: half the size and rate of written ones, at which EPP moves by less than 0.01."""

Tell = Callable[[str, int, int], None]
"""Takes a stage, the steps that are done, and all."""

R = TypeVar("R")
_ONLY: Mapping[Modality, Only] = {"audio": "sound", "video": "film"}


class Setting(NamedTuple):
    """Five parameters and a seed: one clip."""

    parameters: StimulusParameters
    seed: int

    @property
    def key(self) -> str:
        """The clip as text."""
        return json.dumps([*asdict(self.parameters).values(), self.seed])


@dataclass(frozen=True, kw_only=True)
class Sketch:
    """What the model makes of a clip as a whole.

    Attributes
    ----------
    epp, valence : float
        As `Analysis` has them.
    epp_low, epp_high : float or None
        Interval of EPP; None if the model has none.
    emotions : Mapping of str to float
        The five emotions, in units of rating / 127.
    in_range : bool
        Whether every window resembles what the model was trained on.
    """

    epp: float
    valence: float
    epp_low: float | None
    epp_high: float | None
    emotions: Mapping[str, float]
    in_range: bool

    @classmethod
    def of(cls, analysis: Analysis) -> Sketch:
        """Take what is needed from an analysis."""
        return cls(
            epp=analysis.epp,
            valence=analysis.valence,
            epp_low=_mean_bound(analysis, "epp_low"),
            epp_high=_mean_bound(analysis, "epp_high"),
            emotions=analysis.emotions,
            in_range=all(window.in_range for window in analysis.windows),
        )


@dataclass(frozen=True, kw_only=True)
class Written:
    """A clip in files: what `avfbel analyze` says of it, and what sketches of its further exemplars are.

    Attributes
    ----------
    setting : Setting
        What it was made from.
    files : tuple of Path
        All its files.
    media : Path
        The one that was analysed.
    told : Sketch
        What the model makes of it.
    exemplars : tuple of Sketch
        Other clips of the same parameters.
    """

    setting: Setting
    files: tuple[Path, ...]
    media: Path
    told: Sketch
    exemplars: tuple[Sketch, ...]


class World(Protocol):
    """Where clips are made and judged."""

    def sketch(self, settings: Sequence[Setting], tell: Tell, title: str) -> list[Sketch]:
        """Judge clips without writing them."""

    def write(
        self, wanted: Sequence[tuple[Setting, str]], folder: Path, n_exemplars: int, tell: Tell
    ) -> list[Written]:
        """Write clips under the stems given, and judge them and sketches of further exemplars."""


class ModelWorld:
    """The world as a trained model judges it; sketches are kept in the user's cache.

    Parameters
    ----------
    bundle : Bundle
        The trained model.
    modality : {"both", "audio", "video"}
        Whether clips are films with sound, sounds, or silent films.
    jobs : int, optional
        Processes; by default one a core.

    Raises
    ------
    UsageError
        If the model lacks that sense.
    """

    def __init__(self, bundle: Bundle, *, modality: Modality = "both", jobs: int | None = None) -> None:
        Stream(bundle, modality=modality)  # raises if the model lacks the sense
        self._bundle, self._modality, self._jobs = bundle, modality, jobs
        self._cache = _cache_file(bundle, modality)
        self._known = _read_cache(self._cache)

    def sketch(self, settings: Sequence[Setting], tell: Tell, title: str) -> list[Sketch]:
        """Judge clips without writing them; those judged before are remembered."""
        new = [setting for setting in dict.fromkeys(settings) if setting.key not in self._known]
        tell(title, len(settings) - len(new), len(settings))
        made = map_tasks(
            _sketch, new, jobs=self._jobs, setup=_tools, setup_args=(self._bundle, self._modality)
        )
        try:
            for n_done, done in enumerate(made, 1):
                self._known[done.task.key] = _alive(done.result)
                tell(title, len(settings) - len(new) + n_done, len(settings))
        finally:  # interrupted: what was made is kept
            if new:
                _write_cache(self._cache, self._known)
        return [self._known[setting.key] for setting in settings]

    def write(
        self, wanted: Sequence[tuple[Setting, str]], folder: Path, n_exemplars: int, tell: Tell
    ) -> list[Written]:
        """Write clips, analyse their files, and sketch further exemplars of the same parameters."""
        title = "writing and analysing clips"
        tasks = [_Task(setting, stem, folder, n_exemplars) for setting, stem in wanted]
        tell(title, 0, len(tasks))
        made = map_tasks(
            _write, tasks, jobs=self._jobs, setup=_tools, setup_args=(self._bundle, self._modality)
        )
        results = {}
        for n_done, done in enumerate(made, 1):
            results[done.task] = _alive(done.result)
            tell(title, n_done, len(tasks))
        return [results[task] for task in tasks]


class _Task(NamedTuple):
    setting: Setting
    stem: str
    folder: Path
    n_exemplars: int


class _Tools(NamedTuple):
    predictor: Predictor
    modality: Modality


def _tools(bundle: Bundle, modality: Modality) -> _Tools:
    return _Tools(Predictor(bundle), modality)


def _sketch(tools: _Tools, setting: Setting) -> Sketch:
    score = compose(setting.parameters, seed=setting.seed)
    stream = Stream(tools.predictor, modality=tools.modality)
    windows = []
    sound = None if tools.modality == "video" else synthesize(score)
    if sound is None:
        windows += stream.close_audio()
    if tools.modality == "audio" and sound is not None:
        windows += stream.close_video() + stream.push_audio(sound, RATE, 0.0)
    else:
        for index, picture in enumerate(render_frames(score, FPS, size=SIZE)):
            if sound is not None and index % FPS == 0:  # a second of sound, then its pictures
                second = index // FPS
                block = sound[second * RATE : (second + 1) * RATE]
                windows += stream.push_audio(block, RATE, float(second)) if len(block) else []
            windows += stream.push_frame(picture, index / FPS)
    windows += stream.finish(score.length_s)
    return Sketch.of(
        Analysis(
            media="",
            duration_s=score.length_s,
            has_audio=tools.modality != "video",
            has_video=tools.modality != "audio",
            complete=True,
            windows=tuple(windows),
            model={},
            provenance={},
        )
    )


def _write(tools: _Tools, task: _Task) -> Written:
    rendition = Rendition(only=_ONLY.get(tools.modality))
    score = compose(task.setting.parameters, seed=task.setting.seed)
    files = write_stimulus(score, task.folder, task.stem, rendition=rendition)
    ending = ".wav" if tools.modality == "audio" else ".mp4"
    media = next(path for path in files if path.suffix == ending)
    told = Sketch.of(analyze(media, model=tools.predictor, threads=1))
    others = [Setting(task.setting.parameters, task.setting.seed + k) for k in range(1, task.n_exemplars + 1)]
    return Written(
        setting=task.setting,
        files=tuple(files),
        media=media,
        told=told,
        exemplars=tuple(_sketch(tools, other) for other in others),
    )


def _mean_bound(analysis: Analysis, name: str) -> float | None:
    """Return the mean of a bound over windows, weighted as EPP is; None if a window has none."""
    bounds = [getattr(window, name) for window in analysis.windows]
    total = sum(window.weight for window in analysis.windows)
    if any(bound is None for bound in bounds) or total == 0:
        return None
    weighted = zip(analysis.windows, bounds, strict=True)
    return float(sum(window.weight * bound for window, bound in weighted) / total)


def _alive(result: R | None) -> R:
    if result is None:
        raise UsageError("a process that made clips died, perhaps for want of memory: try it with --jobs 1")
    return result


def _cache_file(bundle: Bundle, modality: Modality) -> Path:
    """Return where sketches are kept, which tells apart all that they depend on."""
    depends = {
        "bundle": bundle.sha256,
        "modality": modality,
        "film": [*SIZE, FPS],
        "code": [code_digest(f"avfbel.{room}") for room in ("stimulus", "senses", "runtime", "compose")],
        "versions": versions(),
    }
    key = hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()[:16]
    return user_cache() / "sketches" / f"{key}.json"


def _read_cache(path: Path) -> dict[str, Sketch]:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        return {key: Sketch(**sketch) for key, sketch in held.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # there is none, or it is damaged: sketches are made again


def _write_cache(path: Path, known: Mapping[str, Sketch]) -> None:
    with suppress(OSError):  # what cannot be kept is made again next time
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps({key: asdict(sketch) for key, sketch in known.items()}).encode())
