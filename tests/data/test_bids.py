from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avfbel.data.bids import read_dataset, read_events
from avfbel.errors import InputError
from avfbel.stimulus import named_stimuli

NAME = "sub-01_ses-02_task-viewing_acq-192tr_run-03_events.tsv"


def write(folder: Path, *rows: str, header: str = "onset\tduration\ttrial_type", name: str = NAME) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_trials_say_what_was_shown_when(tmp_path: Path) -> None:
    events = read_events(
        write(
            tmp_path,
            "0.5\t3\thappy_sad_25_anim",
            "6\t1.5\tcatch_anim",
            "8\tn/a\tcatch_response",
            "9.25\t3.0\tsad_scared_25_mus",
            "12\t3\tcatch_anim",
            "15\t3\tsearch_four_mus",
        )
    )
    assert [(t.stimulus, t.modality, t.onset_s, t.duration_s, t.line) for t in events.trials] == [
        ("happy_sad_25", "animation", 0.5, 3.0, 2),
        ("sad_scared_25", "music", 9.25, 3.0, 5),
        ("search_four", "music", 15.0, 3.0, 7),
    ]
    assert events.left_out == {"catch_anim": 2, "catch_response": 1}
    assert events.entities == {"sub": "01", "ses": "02", "task": "viewing", "acq": "192tr", "run": "03"}


def test_columns_may_stand_in_any_order_and_more_may_follow(tmp_path: Path) -> None:
    path = write(tmp_path, "angry_mus\t2\tx\t3", header="trial_type\tonset\tnote\tduration")
    assert read_events(path).trials[0].onset_s == 2.0


def test_all_that_is_wrong_is_said_by_line(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "0\t3\thappy_anim",
        "soon\t3\thappy_anim",
        "1\tn/a\thappy_mus",
        "2\t0\thappy_mus",
        "3\t3\tjoyful_mus",
        "4\t3\thappy",
        "5\t3",
        "nan\t3\tsad_mus",
    )
    with pytest.raises(InputError, match="cannot be used") as caught:
        read_events(path)
    sentence = str(caught.value)
    for part in (
        "line 3: onset is 'soon', not a time in s",
        "line 4: duration is 'n/a', not a time in s",
        "line 5: duration is 0 s: a trial lasts",
        "line 6: trial_type is 'joyful_mus', but joyful is none of the 38 stimuli",
        "line 7: trial_type is 'happy', which ends neither in _mus nor in _anim",
        "line 8: 2 cells where the header has 3",
        "line 9: onset is 'nan'",
    ):
        assert part in sentence
    assert "line 2:" not in sentence


def test_files_that_are_no_events_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no events at .*: name a file that ends in _events.tsv"):
        read_events(tmp_path / NAME)
    with pytest.raises(InputError, match="line 1: no column duration, trial_type: an events file has"):
        read_events(write(tmp_path, header="onset,duration,trial_type\tonset"))
    (tmp_path / NAME).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="does not read as a table in UTF-8"):
        read_events(tmp_path / NAME)


def test_a_folder_is_read_run_by_run(tmp_path: Path) -> None:
    for subject in ("02", "01"):
        func = tmp_path / f"sub-{subject}" / "ses-01" / "func"
        write(func, "0\t3\thappy_mus", name=f"sub-{subject}_ses-01_task-viewing_run-01_events.tsv")
    assert [events.entities["sub"] for events in read_dataset(tmp_path)] == ["01", "02"]
    with pytest.raises(InputError, match=r"no \*_events.tsv in"):
        read_dataset(tmp_path / "elsewhere")


@settings(deadline=None, max_examples=20)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(named_stimuli())),
            st.sampled_from([("mus", "music"), ("anim", "animation")]),
            st.floats(0, 1e4),
            st.floats(0.01, 100),
        ),
        max_size=20,
    )
)
def test_any_run_comes_back_as_it_was_written(tmp_path_factory, trials) -> None:
    path = write(
        tmp_path_factory.mktemp("run"),
        *(f"{onset!r}\t{duration!r}\t{name}_{suffix}" for name, (suffix, _), onset, duration in trials),
    )
    found = [(t.stimulus, t.modality, t.onset_s, t.duration_s) for t in read_events(path).trials]
    assert found == [(name, modality, onset, duration) for name, (_, modality), onset, duration in trials]
