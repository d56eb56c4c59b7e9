from __future__ import annotations

import json
from pathlib import Path

import pytest

from avfbel import stimulus
from avfbel.data import cache, corpora
from avfbel.data.cache import CACHE_FOLDER, code_digest, user_cache
from avfbel.errors import UsageError


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Each folder in which a corpus was made; instead of films there is a manifest only."""
    folders: list[Path] = []

    def build_corpus(folder: Path, **options: object) -> Path:
        folders.append(Path(folder))
        path = Path(folder) / "manifest.csv"
        path.write_text(json.dumps({name: str(value) for name, value in options.items()}))
        return path

    monkeypatch.setattr(stimulus, "build_corpus", build_corpus, raising=False)
    monkeypatch.setenv("AVFBEL_CACHE", str(tmp_path / "cache"))
    return folders


def test_a_corpus_is_made_once(made: list[Path], tmp_path: Path) -> None:
    first, second = (corpora.clips_2021(exemplars=2) for _ in range(2))
    assert first == second == tmp_path / "cache" / "corpora" / "clips-2021-2" / "manifest.csv"
    assert len(made) == 1
    assert json.loads(first.read_text())["exemplars"] == "2"
    assert [entry.name for entry in first.parent.parent.iterdir()] == ["clips-2021-2"]
    corpora.clips_2021(exemplars=3)
    assert len(made) == 2


def test_other_code_makes_another_corpus_and_keeps_measurements(
    made: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = corpora.clips_2021(exemplars=2).parent
    (folder / CACHE_FOLDER).mkdir()
    (folder / CACHE_FOLDER / "kept.npz").write_bytes(b"")
    (folder / "stale.mp4").write_bytes(b"")
    monkeypatch.setattr(corpora, "code_digest", lambda package: "other")
    assert corpora.clips_2021(exemplars=2).parent == folder
    assert len(made) == 2
    assert (folder / CACHE_FOLDER / "kept.npz").exists()
    assert not (folder / "stale.mp4").exists()


def test_an_interrupted_corpus_leaves_nothing_behind(
    made: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(folder: Path, **options: object) -> Path:
        (Path(folder) / "happy_0000.mp4").write_bytes(b"")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stimulus, "build_corpus", interrupted, raising=False)
        with pytest.raises(KeyboardInterrupt):
            corpora.clips_2021(exemplars=2)
    assert list((user_cache() / "corpora").iterdir()) == []
    assert corpora.clips_2021(exemplars=2).is_file()


def test_a_corpus_is_given_as_folder_or_manifest(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("media\n")
    assert corpora.corpus_manifest(tmp_path) == corpora.corpus_manifest(str(tmp_path / "manifest.csv"))
    with pytest.raises(UsageError, match="no corpus at"):
        corpora.corpus_manifest(tmp_path / "nowhere")


def test_the_digest_of_code_sees_what_code_does_and_nothing_else() -> None:
    def digest(source: str) -> str:
        return cache._without_docstrings(source)

    one = 'def f(x):\n    """Say it."""\n    return x + 1  # plainly\n'
    assert digest(one) == digest('"""Module."""\ndef f(x):\n\n    return (x + 1)\n')
    assert digest(one) != digest(one.replace("+ 1", "+ 2"))
    assert code_digest("avfbel.senses") == code_digest("avfbel.senses")


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_the_user_cache_is_where_the_platform_has_it(
    platform: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cache.sys, "platform", platform)
    for name in ("AVFBEL_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    assert user_cache().name == "avfbel"
    assert user_cache().is_relative_to(Path.home())
    monkeypatch.setenv("AVFBEL_CACHE", str(tmp_path))
    assert user_cache() == tmp_path
