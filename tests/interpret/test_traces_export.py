"""Files of traces come back from independent readers as they went in."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from avfbel.errors import UsageError
from avfbel.interpret.traces import Traces, trace
from avfbel.interpret.traces_export import encode_elan, file_name, save_all, save_bids


@pytest.fixture(scope="module")
def plain(clips: Path, bundle: Path) -> Traces:
    traces = trace(clips / "plain.mp4", model=bundle, window=2.0, hop=0.25)
    values = traces.values.copy()
    values[3, traces.columns.index("pitch")] = np.nan  # something that could not be measured
    return replace(traces, values=values)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_tables_come_back_with_every_digit(plain: Traces, tmp_path: Path, ending: str) -> None:
    (path,) = plain.save(tmp_path / f"t.{ending}")
    table = pd.read_csv(path, dtype=str) if ending == "csv" else pd.read_parquet(path)
    assert list(table) == ["media", "time_s", *plain.columns, "in_range"]
    np.testing.assert_array_equal(table[list(plain.columns)].astype(float), plain.values)
    np.testing.assert_array_equal(table["time_s"].astype(float), plain.time_s)
    assert table["in_range"].astype(str).str.lower().tolist() == [str(w).lower() for w in plain.in_range]


def test_parquet_holds_nulls_and_where_it_comes_from(plain: Traces, tmp_path: Path) -> None:
    from pyarrow import parquet

    table = parquet.read_table(plain.save(tmp_path / "t.parquet")[0])
    assert table["pitch"].null_count == np.isnan(plain["pitch"]).sum()
    origin = json.loads(table.schema.metadata[b"avfbel"])
    assert origin["provenance"]["settings"] == {"window": 2.0, "hop": 0.25, "modality": "both"}


def test_bids_is_as_the_specification_wants_it(plain: Traces, tmp_path: Path) -> None:
    table, sidecar = plain.save(tmp_path / "task-plain_stim.tsv.gz")
    assert sidecar.name == "task-plain_stim.json"
    told = json.loads(sidecar.read_text())
    read = pd.read_csv(
        table, sep="\t", header=None, names=told["Columns"], na_values="n/a", keep_default_na=False
    )
    np.testing.assert_array_equal(read.astype(float), plain.values)
    times = told["StartTime"] + np.arange(len(read)) / told["SamplingFrequency"]
    assert times == pytest.approx(plain.time_s)
    lines = gzip.decompress(table.read_bytes()).decode("ascii").splitlines()
    cells = {cell for line in lines for cell in line.split("\t")}
    assert "n/a" in cells
    assert not cells & {"", "nan", "NaN"}
    assert len(lines) == len(plain.time_s)  # no header
    for name in told["Columns"]:
        assert told[name]["Description"]
        assert told[name]["Units"]


def test_bids_can_start_within_a_run_and_is_the_same_each_time(plain: Traces, tmp_path: Path) -> None:
    first = [path.read_bytes() for path in save_bids(plain, tmp_path / "a_stim.tsv.gz", onset_s=12.0)]
    again = [path.read_bytes() for path in save_bids(plain, tmp_path / "a_stim.tsv.gz", onset_s=12.0)]
    assert first == again
    assert json.loads(first[1])["StartTime"] == 12.0 + plain.time_s[0]
    with pytest.raises(UsageError, match=r"ends in _stim\.tsv\.gz, and a\.tsv does not"):
        save_bids(plain, tmp_path / "a.tsv")


def read_as_elan(text: str) -> tuple[list[float], list[list[float]]]:
    """Read a time series by ELAN's rules: comments are skipped; with a decimal point, times are seconds."""
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    assert all("." in row[0] and ":" not in row[0] for row in rows)
    return [1000 * float(row[0]) for row in rows], [[float(cell) for cell in row[1:]] for row in rows]


def test_elan_finds_seconds_and_a_cell_for_every_trace(plain: Traces) -> None:
    text = encode_elan(plain).decode("ascii")
    assert text.startswith("#time_s\tepp\tvalence")
    times_ms, rows = read_as_elan(text)
    assert times_ms == pytest.approx(1000 * plain.time_s)
    columns = text.splitlines()[0].lstrip("#").split("\t")[1:]
    assert columns == [name for name in plain.columns if name not in ("epp_low", "epp_high")]  # hold nothing
    assert {len(row) for row in rows} == {len(columns)}
    want = np.column_stack([plain[name] for name in columns])
    np.testing.assert_allclose(rows, want, rtol=1e-5)  # six digits; a gap is a gap


def test_a_time_on_a_whole_second_is_not_taken_for_milliseconds(plain: Traces) -> None:
    whole = replace(plain, time_s=np.arange(len(plain.time_s), dtype=float))
    times_ms, _ = read_as_elan(encode_elan(whole).decode())
    assert times_ms[:3] == [0, 1000, 2000]


def test_all_formats_and_the_figure_go_into_a_folder(plain: Traces, tmp_path: Path) -> None:
    written = save_all(plain, tmp_path, ["csv", "parquet", "bids", "elan"])
    assert [path.name for path in written] == [
        *(
            "plain.mp4.traces.csv",
            "plain.mp4.traces.parquet",
            "task-plain_stim.tsv.gz",
            "task-plain_stim.json",
        ),
        *("plain.mp4.elan.tsv", "plain.mp4.traces.png"),
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in written)


def test_a_bids_label_holds_letters_and_digits_only() -> None:
    assert file_name("a/My film_2 (take 3).mp4", "bids") == "task-Myfilm2take3_stim.tsv.gz"
    assert file_name("___.mp4", "bids") == "task-clip_stim.tsv.gz"


def test_an_unknown_ending_is_refused(plain: Traces, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"t\.xlsx ends in no known format: choose \.csv"):
        plain.save(tmp_path / "t.xlsx")
