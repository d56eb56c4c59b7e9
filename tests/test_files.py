"""Files are whole or absent, whatever goes wrong while they are written."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from avfbel.files import remove_parts, whole_files, write_whole


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
        "import resource, sys; from avfbel.files import write_whole\n"
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


def test_several_files_appear_together_or_not_at_all(tmp_path: Path) -> None:
    wanted = [tmp_path / "a.txt", tmp_path / "b.txt"]
    wanted[0].write_text("old")

    def write_one_and_a_half() -> None:
        with whole_files(*wanted) as parts:
            parts[0].write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_one_and_a_half()
    assert (names(tmp_path), wanted[0].read_text()) == (["a.txt"], "old")
    with whole_files(*wanted) as parts:
        for part in parts:
            part.write_text("new")
            assert part.parent == tmp_path
        assert wanted[0].read_text() == "old"
    assert names(tmp_path) == ["a.txt", "b.txt"]
    assert [path.read_text() for path in wanted] == ["new", "new"]


def test_a_folder_that_cannot_be_written_into_is_noticed_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="absent"), whole_files(tmp_path / "a", tmp_path / "absent" / "b"):
        pytest.fail("work was begun")
    assert names(tmp_path) == []
