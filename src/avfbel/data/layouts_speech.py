"""Acted speech whose file names say who speaks, and how: RAVDESS, CREMA-D, EmoDB.

Their labels are what actors were asked to show, not what listeners felt.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from avfbel.data.layouts import LabelledClip, LabelledFolder, clip_of_label, gather, media_files

RAVDESS_LABELS = {
    "01": "neutral",
    "02": "calm",
    "03": "happiness",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
}
"""Emotions of RAVDESS by code; 07 (disgust) and 08 (surprise) have no counterpart."""

CREMA_D_LABELS = {"ANG": "anger", "FEA": "fear", "HAP": "happiness", "NEU": "neutral", "SAD": "sadness"}
"""Emotions of CREMA-D by code; DIS (disgust) has no counterpart."""

EMODB_LABELS = {"W": "anger", "A": "fear", "F": "happiness", "T": "sadness", "N": "neutral"}
"""Emotions of EmoDB by letter (German); L (boredom) and E (disgust) have no counterpart."""

RAVDESS_INTENSITY = {"01": 0.5, "02": 1.0}
"""Normal and strong: a convention, only their order is known. Positivity does not depend on it."""

CREMA_D_INTENSITY = {"LO": 1 / 3, "MD": 2 / 3, "HI": 1.0, "XX": 2 / 3}
"""Low, medium, high, not specified (taken as medium): a convention, as above."""

_LEFT_OUT = {
    "07": "disgust",
    "08": "surprise",
    "DIS": "disgust",
    "L": "boredom",
    "E": "disgust",
}
_RAVDESS = re.compile(r"^(0[1-3])-(0[12])-(0[1-8])-(0[12])-(0[12])-(0[12])-(0[1-9]|1\d|2[0-4])$")
_RAVDESS_MODALITY = {"01": "both", "02": "video", "03": "audio"}
_CREMA_D = re.compile(r"^(1\d{3})_([A-Z]{3})_(ANG|DIS|FEA|HAP|NEU|SAD)_(LO|MD|HI|XX|X)$")
_EMODB = re.compile(r"^(\d\d)([ab]\d\d)([WLEAFTN])([a-z])$")


def read_ravdess(folder: Path | str) -> LabelledFolder:
    """Read RAVDESS: `Actor_NN/MM-VV-EE-II-SS-RR-AA.wav|mp4`, seven codes a file.

    The sound alone, the picture alone and both of one take share a stimulus, so that they are never on two
    sides of a split. Groups: speaker, sex (odd actors are male), channel (speech, song), statement, modality.

    Parameters
    ----------
    folder : path
        The folder above the actors'.

    Returns
    -------
    LabelledFolder
        Its clips.

    Raises
    ------
    InputError
        If media files have other names, or there are none.
    """
    clips, faults = [], []
    left_out: Counter[str] = Counter()
    for media in _performances(Path(folder), left_out):
        match = _RAVDESS.match(media.stem)
        if match is None:
            faults.append(f"{media.name} is not named by seven codes")
            continue
        modality, channel, label, intensity, statement, _, actor = match.groups()
        felt = clip_of_label(label, RAVDESS_LABELS, intensity=RAVDESS_INTENSITY[intensity])
        if felt is None:
            left_out[_LEFT_OUT[label]] += 1
            continue
        clips.append(
            LabelledClip(
                media=media,
                stimulus=media.stem[3:],
                emotions=felt[0],
                epp=felt[1],
                valence=felt[1],
                groups={
                    "speaker": actor,
                    "sex": "male" if int(actor) % 2 else "female",
                    "channel": "speech" if channel == "01" else "song",
                    "statement": statement,
                    "modality": _RAVDESS_MODALITY[modality],
                },
            )
        )
    return gather("ravdess", clips, left_out=left_out, faults=faults)


def read_crema_d(folder: Path | str) -> LabelledFolder:
    """Read CREMA-D: `AudioWAV/1001_DFA_ANG_XX.wav` and `VideoFlash/1001_DFA_ANG_XX.flv`.

    Sound and film of one take share a stimulus. Groups: speaker, sentence, modality. The label is what the
    actor was asked to show; the listeners' votes in `processedResults` are not read.

    Parameters
    ----------
    folder : path
        The folder of the data set.

    Returns
    -------
    LabelledFolder
        Its clips.

    Raises
    ------
    InputError
        If media files have other names, or there are none.
    """
    clips, faults = [], []
    left_out: Counter[str] = Counter()
    for media in _performances(Path(folder), left_out):
        match = _CREMA_D.match(media.stem)
        if match is None:
            faults.append(f"{media.name} is not named speaker_sentence_emotion_level")
            continue
        speaker, sentence, label, level = match.groups()
        felt = clip_of_label(label, CREMA_D_LABELS, intensity=CREMA_D_INTENSITY[level.ljust(2, "X")])
        if felt is None:
            left_out[_LEFT_OUT[label]] += 1
            continue
        clips.append(
            LabelledClip(
                media=media,
                stimulus=media.stem,
                emotions=felt[0],
                epp=felt[1],
                valence=felt[1],
                groups={
                    "speaker": speaker,
                    "sentence": sentence,
                    "modality": "audio" if media.suffix.lower() in (".wav", ".mp3") else "both",
                },
            )
        )
    return gather("crema-d", clips, left_out=left_out, faults=faults)


def read_emodb(folder: Path | str) -> LabelledFolder:
    """Read EmoDB: `wav/03a01Fa.wav`, that is speaker (2), text (3), emotion (1), version (1).

    Versions of one text, spoken by one speaker with one emotion, share a stimulus. Groups: speaker, text.

    Parameters
    ----------
    folder : path
        The folder of the data set.

    Returns
    -------
    LabelledFolder
        Its clips.

    Raises
    ------
    InputError
        If sound files have other names, or there are none.
    """
    clips, faults = [], []
    left_out: Counter[str] = Counter()
    for media in _performances(Path(folder), left_out):
        match = _EMODB.match(media.stem)
        if match is None:
            faults.append(f"{media.name} is not named by speaker, text, emotion and version")
            continue
        speaker, text, label, _ = match.groups()
        felt = clip_of_label(label, EMODB_LABELS)
        if felt is None:
            left_out[_LEFT_OUT[label]] += 1
            continue
        clips.append(
            LabelledClip(
                media=media,
                stimulus=media.stem[:-1],
                emotions=felt[0],
                epp=felt[1],
                valence=felt[1],
                groups={"speaker": speaker, "text": text},
            )
        )
    return gather("emodb", clips, left_out=left_out, faults=faults)


def _performances(folder: Path, left_out: Counter[str]) -> Iterator[Path]:
    """Yield the media files, each once: archives hold some twice, or also as .mp3; those are counted."""
    seen: set[str] = set()
    files = media_files(folder)
    waves = {media.stem for media in files if media.suffix.lower() == ".wav"}
    for media in files:
        if media.name in seen or (media.suffix.lower() == ".mp3" and media.stem in waves):
            left_out["copy of another file"] += 1
            continue
        seen.add(media.name)
        yield media
