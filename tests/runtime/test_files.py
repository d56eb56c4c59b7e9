"""Files are whole or absent, whatever goes wrong while they are written."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from avfbel.runtime.files import encode_csv, encode_json, remove_parts, write_whole


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "result.csv"
    write_whole(path, b"old")
    assert write_whole(str(path), b"new") == path
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["result.csv"]


def test_a_new_file_may_be_read_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"")
    assert write_whole(tmp_path / "a", b"").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_whole(tmp_path / "result.csv", b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_whole(path, b"new")
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["result.csv"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of resources are Unix's")
def test_a_real_limit_of_size_leaves_nothing_behind(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from avfbel.runtime.files import write_whole\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: write_whole(sys.argv[1], bytes(100_000))\n"
        "except OSError as error: print(error.strerror, error.filename)"
    )
    target = tmp_path / "large.bin"
    done = subprocess.run([sys.executable, "-c", code, target], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == str(target)
    assert names(tmp_path) == []


def test_an_interruption_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "result.csv", b"new")
    assert names(tmp_path) == []


def test_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    for name in (".a.csv.17.part", ".a.csv.18.part", ".b.csv.17.part", "a.csv"):
        (tmp_path / name).touch()
    remove_parts([tmp_path / "a.csv"], [17])
    assert names(tmp_path) == [".a.csv.18.part", ".b.csv.17.part", "a.csv"]


def test_cells_are_full_numbers_truths_and_blanks() -> None:
    table = encode_csv(["a", "b", "c", "d", "e"], [[0.1 + 0.2, None, True, 3, 'x, "y"\nz']])
    assert table == b'a,b,c,d,e\n0.30000000000000004,,true,3,"x, ""y""\nz"\n'
    assert encode_csv(["a"], [[False]], header=False) == b"false\n"


def test_json_refuses_what_json_does_not_have() -> None:
    assert encode_json({"ä": 1e-300}) == '{\n "ä": 1e-300\n}\n'.encode()
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode_json(float("nan"))
