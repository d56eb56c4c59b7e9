"""Miniatures of data sets, named and laid out as theirs, become manifests that the package reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avfbel.data.layouts import LAYOUTS, LabelledFolder, read_layout, write_manifest
from avfbel.data.layouts_film import MUVI_SAMPLES, read_liris_accede, read_muvi
from avfbel.data.layouts_speech import read_crema_d, read_emodb, read_ravdess
from avfbel.data.manifest import Row, read_manifest
from avfbel.emotion import EMOTIONS
from avfbel.errors import InputError, UsageError


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"media")
    return folder


def rows_of(found: LabelledFolder, folder: Path) -> dict[str, Row]:
    """Write the manifest, read it with the reader of the package, and return its rows by file name."""
    manifest = read_manifest(write_manifest(found, folder / "tables" / "clips.csv"))
    return {row.media.name: row for row in manifest.rows}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tables").mkdir()
    return tmp_path


def felt(row: Row) -> dict[str, float]:
    return {name: value for name, value in zip(EMOTIONS, row.emotions, strict=True) if value}


def test_ravdess(folder: Path) -> None:
    touch(
        folder,
        "Actor_01/03-01-05-02-01-01-01.wav",
        "Actor_01/01-01-05-02-01-01-01.mp4",
        "Actor_01/02-01-05-02-01-01-01.mp4",
        "Actor_24/03-02-02-01-02-02-24.wav",
        "Actor_24/03-01-01-01-02-01-24.wav",
        "Actor_24/03-01-07-01-01-01-24.wav",
        "Actor_24/03-01-08-01-01-01-24.wav",
        "Actor_24/03-01-08-02-01-01-24.wav",
        "Actor_24/._03-01-05-02-01-01-01.wav",
        "readme.txt",
    )
    found = read_layout("ravdess", folder)
    assert found.left_out == {"disgust": 1, "surprise": 2}
    rows = rows_of(found, folder)
    assert len(rows) == 5
    angry = rows["03-01-05-02-01-01-01.wav"]
    assert felt(angry) == {"anger": 1.0}
    assert angry.groups == {
        "speaker": "01",
        "sex": "male",
        "channel": "speech",
        "statement": "01",
        "modality": "audio",
    }
    take = {row.groups["modality"] for row in rows.values() if row.stimulus == angry.stimulus}
    assert take == {"audio", "video", "both"}
    calm = rows["03-02-02-01-02-02-24.wav"]
    assert (felt(calm), calm.groups["sex"], calm.groups["channel"]) == ({"calm": 0.5}, "female", "song")
    neutral = rows["03-01-01-01-02-01-24.wav"]
    assert np.isnan(neutral.emotions).all()
    assert (neutral.epp, neutral.valence) == (0.5, 0.5)


def test_crema_d(folder: Path) -> None:
    touch(
        folder,
        "AudioWAV/1001_DFA_ANG_XX.wav",
        "VideoFlash/1001_DFA_ANG_XX.flv",
        "AudioWAV/1091_IEO_SAD_LO.wav",
        "AudioWAV/1091_IEO_HAP_HI.wav",
        "AudioWAV/1040_ITH_SAD_X.wav",
        "AudioWAV/1091_IEO_DIS_MD.wav",
        "processedResults/summaryTable.csv",
    )
    found = read_crema_d(folder)
    assert found.left_out == {"disgust": 1}
    rows = rows_of(found, folder)
    assert felt(rows["1091_IEO_SAD_LO.wav"]) == {"sadness": pytest.approx(1 / 3, abs=1e-6)}
    assert felt(rows["1091_IEO_HAP_HI.wav"]) == {"happiness": 1.0}
    assert rows["1091_IEO_SAD_LO.wav"].groups == {"speaker": "1091", "sentence": "IEO", "modality": "audio"}
    sound, film = rows["1001_DFA_ANG_XX.wav"], rows["1001_DFA_ANG_XX.flv"]
    assert sound.stimulus == film.stimulus
    assert film.groups["modality"] == "both"


def test_emodb(folder: Path) -> None:
    names = [f"wav/03a01{letter}a.wav" for letter in "WLEAFTN"]
    touch(folder, *names, "wav/16b10Fb.wav", "wav/16b10Fa.wav")
    found = read_emodb(folder)
    assert found.left_out == {"boredom": 1, "disgust": 1}
    rows = rows_of(found, folder)
    expected = {"W": "anger", "A": "fear", "F": "happiness", "T": "sadness"}
    assert all(felt(rows[f"03a01{letter}a.wav"]) == {name: 1.0} for letter, name in expected.items())
    assert rows["03a01Na.wav"].epp == 0.5
    assert rows["16b10Fa.wav"].stimulus == rows["16b10Fb.wav"].stimulus == "16b10F"
    assert rows["16b10Fa.wav"].groups == {"speaker": "16", "text": "b10"}


def test_copies_count_once(folder: Path) -> None:
    touch(folder, "AudioWAV/1001_DFA_ANG_XX.wav", "AudioMP3/1001_DFA_ANG_XX.mp3", "more/1001_DFA_ANG_XX.wav")
    found = read_crema_d(folder)
    assert [clip.media.parent.name for clip in found.clips] == ["AudioWAV"]
    assert found.left_out == {"copy of another file": 2}


def liris(folder: Path, *, description: str | None = None, sets: bool = True) -> Path:
    touch(folder, "data/ACCEDE00000.mp4", "data/ACCEDE00001.mp4")
    annotations = folder / "annotations"
    annotations.mkdir(exist_ok=True)
    names = ("id", "name", "valenceRank", "arousalRank", "valenceValue", "arousalValue", "valenceVariance")
    rows = [names, (0, "ACCEDE00000.mp4", 5, 6, 3.0, 2.0, 0.1), (1, "ACCEDE00001.mp4", 4, 3, 1.5, 2.0, 0.1)]
    (annotations / "ACCEDEranking.txt").write_text("\n".join("\t".join(map(str, row)) for row in rows) + "\n")
    if sets:
        (annotations / "ACCEDEsets.txt").write_text(
            "id\tname\tset\n0\tACCEDE00000.mp4\t1\n1\tACCEDE00001.mp4\t0\n"
        )
    if description is not None:
        (annotations / "ACCEDEdescription.xml").write_text(description)
    return folder


FILMS = "<lib>{}</lib>".format(
    "".join(
        f"<media><id>{k}</id><name>ACCEDE0000{k}.mp4</name><movie>Film {k}</movie></media>" for k in (0, 1)
    )
)


def test_liris_accede(folder: Path) -> None:
    found = read_liris_accede(liris(folder, description=FILMS))
    assert found.notes == ()
    rows = rows_of(found, folder)
    assert [row.valence for row in rows.values()] == [0.5, 0.125]
    assert rows["ACCEDE00001.mp4"].groups == {"split": "test", "film": "Film 1"}
    assert rows["ACCEDE00000.mp4"].groups["split"] == "learn"


def test_liris_accede_says_what_it_lacks(folder: Path) -> None:
    found = read_layout("liris-accede", liris(folder, sets=False))
    assert len(found.clips) == 2
    assert "clips of one film cannot be held out together" in found.notes[0]
    assert "official parts" in found.notes[1]


def test_faulty_liris_accede_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="document type"):
        read_liris_accede(liris(folder, description='<!DOCTYPE a [<!ENTITY b "c">]><a/>'))
    with pytest.raises(InputError, match="does not read as XML"):
        read_liris_accede(liris(folder, description="<a>"))
    with pytest.raises(InputError, match="names no film"):
        read_liris_accede(liris(folder, description="<a/>"))
    with pytest.raises(InputError, match=r"line 3: ACCEDE00001.mp4 has no film"):
        read_liris_accede(liris(folder, description=FILMS.replace("Film 1", "")))
    ranking = folder / "annotations" / "ACCEDEranking.txt"
    ranking.write_text(ranking.read_text().replace("1.5", "-0.3"))
    (folder / "data" / "ACCEDE00000.mp4").unlink()
    with pytest.raises(
        InputError, match=r"line 2: no film data/ACCEDE00000.mp4; line 3: valenceValue is '-0.3'"
    ):
        read_liris_accede(folder)
    ranking.write_text("id\tname\n")
    with pytest.raises(InputError, match=r"ACCEDEranking.txt: no column valenceValue"):
        read_liris_accede(folder)
    ranking.unlink()
    with pytest.raises(InputError, match=r"no ACCEDEranking.txt in"):
        read_liris_accede(folder)


def muvi(folder: Path, traces: dict[tuple[str, str, str], list[float]], *, step_s: float = 0.5) -> Path:
    lines = ["participant_id,media_id,media_modality,time,valence,arousal"]
    for (participant, media, modality), values in traces.items():
        lines += [f"{participant},{media},{modality},{k * step_s},{v},0" for k, v in enumerate(values)]
    (folder / "av_data.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_muvi(folder: Path) -> None:
    rising = list(np.linspace(-1, 1, MUVI_SAMPLES))
    touch(folder, "music/m1.wav", "muted_video/m1.mp4", "video/m1.mp4")
    muvi(
        folder,
        {
            ("1", "m1", "music"): [*rising, 1, 1, 1],  # what follows the first 118 samples is not used
            ("2", "m1", "music"): [0.5] * (MUVI_SAMPLES - 1) + [0.4999],
            ("3", "m1", "music"): [0.2] * MUVI_SAMPLES,
            ("23", "m1", "video"): rising[:50],
            ("1", "m1", "video"): rising,
            ("1", "m1", "muted_video"): rising[::-1],
        },
    )
    found = read_muvi(folder)
    assert found.left_out == {"constant trace": 1, "short trace": 1}
    felt_at = {clip.groups["modality"]: clip.valence for clip in found.clips}
    assert felt_at["video"] == pytest.approx(0.5)
    assert felt_at["music"] == pytest.approx((0.5 + 0.75) / 2, abs=1e-5)
    assert {clip.stimulus for clip in found.clips} == {"m1"}
    # a line from 0 to 1 in 58.5 s without its first 5.85 s has the mean 0.55
    lagged = {clip.groups["modality"]: clip.valence for clip in read_muvi(folder, lag_s=5.85).clips}
    assert lagged["video"] == pytest.approx(0.55)
    assert lagged["muted_video"] == pytest.approx(0.45)
    assert len(read_manifest(write_manifest(found, folder / "tables" / "clips.csv")).rows) == 3
    with pytest.raises(InputError, match="the lag of 100 s leaves nothing of the trace of m1"):
        read_muvi(folder, lag_s=100)


def test_faulty_muvi_is_refused_by_line(folder: Path) -> None:
    rising = list(np.linspace(-1, 1, MUVI_SAMPLES))
    path = muvi(folder, {("1", "m1", "video"): rising, ("1", "m2", "film"): [0.1]}) / "av_data.csv"
    text = path.read_text().splitlines()
    text[3], text[5] = "1,m1,video,0.1,0.2,0", "1,m1,video,2.0,1.2,0"
    path.write_text("\n".join(text) + "\n")
    with pytest.raises(
        InputError,
        match=r"line 4: time is '0.1', not after.*line 6: valence is '1.2'.*line 120: media_modality is 'fi",
    ):
        read_muvi(folder)
    muvi(folder, {("1", "m1", "video"): rising})
    with pytest.raises(InputError, match=r"no media file video/m1\.\*"):
        read_muvi(folder)
    path.write_text("participant_id,media_id,media_modality,time,valence\n1,m1,video\n")
    with pytest.raises(InputError, match="line 2 has fewer cells than the header"):
        read_muvi(folder)


@pytest.mark.parametrize(
    ("layout", "names", "sentence"),
    [
        (
            "ravdess",
            ["Actor_01/03-01-05-02-01-01-25.wav", "a.wav"],
            "03-01-05-02-01-01-25.wav.*; a.wav is not",
        ),
        ("crema-d", ["AudioWAV/1001_DFA_JOY_XX.wav"], "is not named speaker_sentence_emotion_level"),
        ("emodb", ["wav/03a01Xa.wav"], "is not named by speaker, text, emotion and version"),
    ],
)
def test_names_of_another_layout_are_refused(
    folder: Path, layout: str, names: list[str], sentence: str
) -> None:
    with pytest.raises(InputError, match=f"the folder is not laid out as .*{sentence}"):
        read_layout(layout, touch(folder, *names))


def test_empty_folders_and_unknown_layouts_are_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="no layout 'deap': choose one of ravdess"):
        read_layout("deap", folder)
    with pytest.raises(InputError, match="no media files in"):
        read_ravdess(folder)
    with pytest.raises(InputError, match="no folder"):
        read_emodb(folder / "none")
    with pytest.raises(InputError, match=r"no clip has a label .* \(1 boredom\)"):
        read_emodb(touch(folder, "wav/03a01La.wav"))


def test_readers_are_found_by_name() -> None:
    from avfbel.data import layouts

    assert layouts.read_ravdess is read_ravdess
    assert set(LAYOUTS) == {"ravdess", "crema-d", "emodb", "liris-accede", "muvi"}
    with pytest.raises(AttributeError, match="read_deap"):
        _ = layouts.read_deap


@settings(deadline=None, max_examples=15)
@given(
    st.sets(st.tuples(*(st.integers(1, n) for n in (3, 2, 8, 2, 2, 2, 24))), min_size=1, max_size=12),
)
def test_every_clip_is_kept_or_counted(tmp_path_factory: pytest.TempPathFactory, codes) -> None:
    folder = tmp_path_factory.mktemp("ravdess")
    touch(folder, *("-".join(f"{code:02d}" for code in seven) + ".mp4" for seven in codes))
    if all(seven[2] >= 7 for seven in codes):
        with pytest.raises(InputError, match="no clip has a label"):
            read_ravdess(folder)
        return
    found = read_ravdess(folder)
    assert len(found.clips) + sum(found.left_out.values()) == len(codes)
