"""A small made-up world for tests of learning: a few stimuli whose maps and features tell what is felt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike

from avfbel.data import KINDS, Dataset, Targets
from avfbel.learn.jackknife import Material

EYE = np.array([100.0, 0.3, -0.3, 0.5, 1.0])
EAR = np.array([300.0, 0.1, 0.1, 100.0, 0.4, 0.5, 0.3])


def make_world(
    n_stimuli: int = 6,
    *,
    clips_each: int = 2,
    windows_each: int = 2,
    has_audio: ArrayLike = True,
    has_video: ArrayLike = True,
    seed: int = 0,
) -> Dataset:
    """Return clips of stimuli from sad to happy; all that is measured grows with how happy they are.

    `has_audio` and `has_video` hold for all clips, or one by one.
    """
    rng = np.random.default_rng(seed)
    happy = np.repeat(np.linspace(0.1, 0.9, n_stimuli), clips_each)
    n_clips = len(happy)
    clip = np.repeat(np.arange(n_clips), windows_each)
    n = len(clip)
    tracks = np.stack([np.broadcast_to(np.asarray(has), n_clips) for has in (has_audio, has_video)], axis=1)
    gates = tracks[clip] * rng.uniform(0.5, 1.0, (n, 2))
    much = 0.2 + happy[clip][:, None]
    maps = np.zeros((n, 5, 64, 64), np.float16)
    ball = (EYE * much)[:, :, None, None] * rng.uniform(0.9, 1.1, (n, 5, 32, 32))
    maps[:, :, 16:48, 16:48] = np.where(gates[:, 1, None, None, None] > 0, ball, 0.0)
    seen, heard = (
        np.where(gates[:, [sense]] > 0, size * much * rng.uniform(0.95, 1.05, (n, len(size))), np.nan)
        for sense, size in ((1, EYE), (0, EAR))
    )
    sad = 1 - happy
    felt = np.stack([0.5 * sad, 0.4 * sad, 0.3 * sad, 0.4 * happy, 0.6 * happy], axis=1)
    there = {"audio": tracks[:, 0], "video": tracks[:, 1], "fused": tracks.all(axis=1)}
    return Dataset(
        name="made",
        manifest=Path("made.csv"),
        clip_media=np.array([f"{k}.mp4" for k in range(n_clips)]),
        stimulus=np.repeat([f"s{k:02d}" for k in range(n_stimuli)], clips_each),
        groups={"half": np.where(happy < 0.5, "low", "high")},
        has_audio=tracks[:, 0],
        has_video=tracks[:, 1],
        complete=np.ones(n_clips, bool),
        clip=clip,
        start_s=np.tile(np.arange(windows_each, dtype=float), n_clips),
        end_s=np.tile(np.arange(windows_each) + 4.0, n_clips),
        maps=maps,
        visual=seen,
        acoustic=heard,
        evidence=gates,
        targets={kind: Targets.from_emotions(np.where(there[kind][:, None], felt, np.nan)) for kind in KINDS},
        window=4.0,
        hop=1.0,
    )


def only_epp(data: Dataset) -> Dataset:
    """Return the data set as if nothing but EPP had been rated."""
    return replace(
        data,
        targets={
            kind: Targets(
                emotions=np.full_like(of.emotions, np.nan),
                epp=of.epp,
                valence=np.full_like(of.valence, np.nan),
            )
            for kind, of in data.targets.items()
        },
    )


def make_up_material(
    n_stimuli: int, *, clips_each: int = 2, windows_each: int = 2, noise: float = 0.1, seed: int = 0
) -> Material:
    """Return windows heard, seen and both, and what is felt at their stimuli: two of the lines tell it.

    `noise` is what a window differs by from the others of its stimulus.
    """
    rng = np.random.default_rng(seed)
    n_clips = n_stimuli * clips_each
    clip = np.tile(np.repeat(np.arange(n_clips), windows_each), len(KINDS))
    kind = np.repeat(np.arange(len(KINDS)), n_clips * windows_each)
    stimulus = clip // clips_each
    evidence = rng.uniform(0.5, 1.0, (len(clip), 2)) * np.array([[1, 0], [0, 1], [1, 1]])[kind]
    causes = rng.normal(size=(n_stimuli, 12))
    code = causes[stimulus] + noise * rng.normal(size=(len(clip), 12))
    code *= np.repeat(evidence, (7, 5), axis=1)
    halves = [np.maximum(0, sign * part) for part in (code[:, :7], code[:, 7:]) for sign in (1, -1)]
    happy = 1 / (1 + np.exp(-causes[stimulus, 0] - causes[stimulus, 7]))
    sad = 1 - happy
    return Material(
        lines=np.concatenate([*halves, evidence.max(axis=1, keepdims=True)], axis=1),
        evidence=evidence,
        rewards=np.stack([0.5 * sad, 0.4 * sad, 0.3 * sad, 0.4 * happy, 0.6 * happy], axis=1),
        stimulus=stimulus,
        kind=kind,
        clip=clip,
        stimuli=tuple(f"s{number:02d}" for number in range(n_stimuli)),
    )


@pytest.fixture(name="make_up_material", scope="session")
def _make_up_material() -> Callable[..., Material]:
    return make_up_material


@pytest.fixture(name="make_world", scope="session")
def _make_world() -> Callable[..., Dataset]:
    return make_world


@pytest.fixture(name="only_epp", scope="session")
def _only_epp() -> Callable[[Dataset], Dataset]:
    return only_epp


@pytest.fixture(scope="session")
def world() -> Dataset:
    """Six stimuli, two clips each, two windows each, with both tracks."""
    return make_world()
