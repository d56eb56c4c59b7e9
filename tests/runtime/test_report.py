"""The report as a file: what it embeds, what it says, what it escapes, and that it is whole or not there."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import av
import numpy as np
import pytest
from typer.testing import CliRunner

import avfbel.cli.analysis  # noqa: F401  (enters its command)
from avfbel.cli.app import app
from avfbel.errors import InputError
from avfbel.runtime import Analysis, Bundle, analyze, analyze_batch, plan_batch
from avfbel.runtime.attribution import SOURCES
from avfbel.runtime.report import mark_of, origin_of, write_report
from avfbel.runtime.report_circuit import PLACES, circuit_svg
from avfbel.runtime.report_data import page_data
from avfbel.runtime.report_media import link_to, playable
from avfbel.runtime.report_proxy import MOST_WIDTH
from avfbel.runtime.report_tables import number
from avfbel.senses.media import Frame, Sound, open_media

Writer = Callable[..., Path]
EVIL = "<img src=x onerror=alert(1)>&\"'.wav"


@pytest.fixture(scope="module")
def plain(clips: Path, bundle: Path) -> Analysis:
    return analyze(clips / "plain.mp4", model=bundle)


@pytest.fixture(scope="module")
def told(clips: Path) -> Analysis:
    """An analysis with contributions, by the shipped model."""
    return analyze(clips / "plain.mp4", attribution=True, hop=2.0)


def script(page: str, name: str) -> str:
    found = re.search(rf'<script type="[^"]*" id="{name}">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return found[1]


class Addresses(HTMLParser):
    """Collects what a page would fetch, and every handler written into an element."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            self.handlers += [name] * name.startswith("on")
            if name in ("src", "srcset", "data", "poster") or (name == "href" and tag == "link"):
                self.fetched.append(value or "")


def test_a_small_file_is_embedded_as_it_is(plain: Analysis, clips: Path, tmp_path: Path) -> None:
    path = plain.report(tmp_path / "plain.mp4.html")
    page = path.read_text(encoding="utf-8")
    assert base64.b64decode(script(page, "media-data")) == (clips / "plain.mp4").read_bytes()
    assert 'data-type="video/mp4"' in page
    assert "The player holds the file itself" in page
    assert [file.name for file in tmp_path.iterdir()] == ["plain.mp4.html"]


def test_the_page_fetches_nothing_and_forbids_it(plain: Analysis, tmp_path: Path) -> None:
    page = plain.report(tmp_path / "a.html").read_text(encoding="utf-8")
    parser = Addresses()
    parser.feed(page)
    assert parser.fetched == ["data:,"]
    assert parser.handlers == []
    assert not re.search(r"(?<!www\.w3\.org/)https?://(?!www\.w3\.org/2000/svg)", page)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none';")
    for tag, rule in (("style", "style-src"), ("script", "script-src")):
        text = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text[-1].encode()).digest()).decode()
        assert f"{rule} 'sha256-{digest}'" in policy[1]


def test_numbers_of_the_page_are_those_of_the_analysis(told: Analysis, tmp_path: Path) -> None:
    page = told.report(tmp_path / "a.html").read_text(encoding="utf-8")
    data = json.loads(script(page, "data"))
    np.testing.assert_allclose(data["epp"], [w.epp for w in told.windows], rtol=1e-5)
    assert data["epp_low"] == [None] * len(told.windows)
    assert len(data["edges"]) == len(told.windows) + 1
    assert data["edges"][-1] == pytest.approx(told.duration_s, rel=1e-5)
    traced = {region["name"]: region["values"] for region in data["regions"] if region["values"]}
    assert set(traced) == set(told.windows[0].regions)
    for name, values in traced.items():
        np.testing.assert_allclose(values, [w.regions[name] for w in told.windows], rtol=1e-5)
    assert len(data["sources"]) == len(SOURCES)
    for parts in (data["sources"], data["pathways"]):
        total = 0.5 + np.sum([part["values"] for part in parts], axis=0)
        np.testing.assert_allclose(total, data["epp"], atol=1e-4)


def test_tables_hold_every_window(told: Analysis, tmp_path: Path) -> None:
    page = told.report(tmp_path / "a.html").read_text(encoding="utf-8")
    for name in ("emotion", "regions", "features", "contributions"):
        table = page.partition(f'<table id="table-{name}">')[2].partition("</table>")[0]
        head, _, body = table.partition("<tbody>")
        rows = body.split("</tr>")[:-1]
        assert len(rows) == len(told.windows)
        assert {row.count("<td>") + 1 for row in rows} == {head.count("<th ")}
    assert f"<td>{told.windows[0].epp:.3f}</td>" in page


def test_without_contributions_it_says_nothing_of_them(plain: Analysis, tmp_path: Path) -> None:
    page = plain.report(tmp_path / "a.html").read_text(encoding="utf-8")
    assert json.loads(script(page, "data"))["sources"] == []
    assert "table-contributions" not in page


def test_what_is_missing_is_a_dash_and_null(plain: Analysis, tmp_path: Path) -> None:
    known = [replace(w, epp_low=w.epp - 0.1, epp_high=w.epp + 0.1) for w in plain.windows]
    mixed = (replace(known[0], features=dict.fromkeys(known[0].features)), plain.windows[1], *known[2:])
    page = write_report(replace(plain, windows=mixed), tmp_path / "a.html").read_text(encoding="utf-8")
    assert json.loads(script(page, "data"))["epp_low"][1] is None
    features = page.partition('<table id="table-features">')[2].partition("</table>")[0]
    assert "<td>–</td>" * len(known[0].features) in features
    assert "NaN" not in page.partition('<script type="application/json"')[2].partition("</script>")[0]
    assert "no calibrated interval" not in page
    assert f"<td>{known[0].epp_low:.3f} to {known[0].epp_high:.3f}</td>" in page


def test_a_name_is_text_wherever_it_stands(clips: Path, bundle: Path, tmp_path: Path) -> None:
    evil = tmp_path / EVIL
    evil.write_bytes((clips / "sound.wav").read_bytes())
    page = analyze(evil, model=bundle).report(tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<img" not in page
    assert f"<h1>{html.escape(EVIL)}</h1>" in page
    assert json.loads(script(page, "data"))["name"] == EVIL
    assert 'data-type="audio/wav"' in page


def test_provenance_is_told_in_full(told: Analysis, tmp_path: Path) -> None:
    page = told.report(tmp_path / "a.html").read_text(encoding="utf-8")
    provenance = page.partition('<dl class="provenance">')[2].partition("</dl>")[0]
    for part in (
        told.provenance["input_sha256"],
        told.provenance["bundle_sha256"],
        told.provenance["avfbel"],
        str(told.provenance["seed"]),
        "window 4 s, hop 2 s, modality both, attribution yes",
        *(f"{name} {version}" for name, version in told.provenance["versions"].items()),
    ):
        assert part in provenance


def test_the_same_analysis_gives_the_same_page(plain: Analysis, tmp_path: Path) -> None:
    assert plain.report(tmp_path / "a.html").read_bytes() == plain.report(tmp_path / "b.html").read_bytes()


def test_regions_of_the_shipped_model_have_a_place() -> None:
    names = [place.name for place in PLACES]
    assert set(Bundle.open().regions) <= set(names)
    assert len(set(names)) == len(names)


def test_a_region_that_is_not_traced_is_marked_and_an_unknown_one_is_kept(plain: Analysis) -> None:
    drawn = circuit_svg(["V1"])
    assert drawn.count("untraced") == len(PLACES)  # eleven regions, and the hatching
    window = plain.windows[0]
    odd = replace(plain, windows=(replace(window, regions={**window.regions, "habenula": 0.5}),))
    regions = {region["name"]: region for region in page_data(odd)["regions"]}
    assert regions["habenula"]["values"] == [0.5]
    assert regions["thalamus"]["values"] == []


# --- what the player plays ---


def seconds_of_noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.3, 0.3, round(seconds * 44_100))


def test_a_large_file_gets_a_proxy_of_the_same_length(clips: Path, tmp_path: Path) -> None:
    media = clips / "plain.mp4"
    limit = media.stat().st_size - 1
    with playable(media, tmp_path, most_bytes=limit) as player:
        assert (player.how, player.mime, player.is_film) == ("proxy", "video/webm", True)
        assert player.content is not None
        assert player.content.stat().st_size <= limit
        with open_media(player.content) as proxy:
            items = list(proxy)
            frames = [item for item in items if isinstance(item, Frame)]
            assert proxy.has_audio
            assert proxy.duration_s == pytest.approx(6.0, abs=0.1)
        assert frames[0].rgb.shape[1] <= MOST_WIDTH
        red = [np.argwhere(f.rgb[..., 0] > 130).mean(axis=0)[0] / f.rgb.shape[0] for f in frames]
        with open_media(media, audio=False) as film:
            true = {
                round(f.time_s, 2): np.argwhere(f.rgb[..., 0] > 130).mean(axis=0)[0] / f.rgb.shape[0]
                for f in film
                if isinstance(f, Frame)
            }
        for frame, height in zip(frames, red, strict=True):  # the ball is where it was at this time
            nearest = min(true, key=lambda time_s: abs(time_s - frame.time_s))
            assert height == pytest.approx(true[nearest], abs=0.03)
    assert player.content is not None
    assert not player.content.exists()


def test_sound_of_a_proxy_keeps_its_time(write_media: Writer, tmp_path: Path) -> None:
    samples = seconds_of_noise(3.0) / 30
    samples[2 * 44_100 : 2 * 44_100 + 4410] = 0.5 * np.sin(np.arange(4410) * 0.1)
    media = write_media(tmp_path / "click.flac", samples=samples)
    with playable(media, tmp_path, most_bytes=40_000) as player:
        assert (player.how, player.mime) == ("proxy", "audio/webm")
        with open_media(player.content or "") as proxy:
            pieces = [item for item in proxy if isinstance(item, Sound)]
    loud = [p.time_s + np.flatnonzero(abs(p.samples[:, 0]) > 0.1) / p.rate for p in pieces]
    assert np.concatenate(loud)[0] == pytest.approx(2.0, abs=0.02)


@pytest.mark.parametrize(
    ("name", "options", "how", "words"),
    [
        ("a.webm", {"rate": 48_000}, "file", "holds the file itself"),
        ("a.ogg", {"rate": 48_000}, "file", "holds the file itself"),
        ("a.mp3", {}, "file", "holds the file itself"),
        ("a.flac", {}, "file", "holds the file itself"),
        ("a.wav", {}, "file", "holds the file itself"),
        ("a.mkv", {}, "proxy", "format (matroska)"),
        ("b.avi", {}, "proxy", "format (avi)"),
        ("c.mp4", {"audio_codec": "alac"}, "proxy", "format (mp4 with alac)"),
    ],
)
def test_formats_that_browsers_do_not_play_get_a_proxy(
    name: str, options: dict[str, object], how: str, words: str, write_media: Writer, tmp_path: Path
) -> None:
    media = write_media(tmp_path / name, samples=seconds_of_noise(0.5), **options)
    with playable(media, tmp_path) as player:
        assert player.how == how
        assert words in player.sentence.replace(" with mp3", "").replace("with mp3float", "")


def test_pixels_that_browsers_do_not_show_get_a_proxy(write_media: Writer, tmp_path: Path) -> None:
    pictures = [np.full((50, 70, 3), k * 8, np.uint8) for k in range(10)]
    media = write_media(tmp_path / "a.mp4", frames=pictures, pix_fmt="yuv444p")
    with playable(media, tmp_path) as player:
        assert player.how == "proxy"
        assert "pixels (yuv444p)" in player.sentence


def test_what_is_too_long_for_a_proxy_is_a_link(clips: Path, plain: Analysis, tmp_path: Path) -> None:
    page = write_report(plain, tmp_path / "a.html", most_bytes=5_000).read_text(encoding="utf-8")
    assert script(page, "media-data") == ""
    href = html.unescape(re.findall(r'<video [^>]*src="([^"]*)"', page)[0])
    assert (tmp_path / href).resolve() == clips / "plain.mp4"
    assert "through a link, because it has" in page
    assert "a smaller copy would still be too large" in page


def test_an_encoder_that_is_lacking_leaves_a_link(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(*args: object, **options: object) -> None:
        raise av.error.EncoderNotFoundError(-1, "no such encoder")

    monkeypatch.setattr("avfbel.runtime.report_proxy._Voice", lacking)
    with playable(clips / "sound.wav", tmp_path, most_bytes=100_000) as player:
        assert player.how == "link"
        assert "could not be encoded here" in player.sentence


def test_links_name_odd_files_rightly(tmp_path: Path) -> None:
    assert link_to(tmp_path / "a:b ?#%.mp4", tmp_path / "out") == "./../a%3Ab%20%3F%23%25.mp4"


def test_a_file_that_is_gone_is_named(plain: Analysis, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file .*gone\.mp4"):
        write_report(plain, tmp_path / "a.html", media=tmp_path / "gone.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_page_is_whole_or_not_there(
    plain: Analysis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.html").write_text("the one before")

    def full(path: Path | None) -> object:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("avfbel.runtime.report._base64", full)
    with pytest.raises(OSError, match="No space") as raised:
        plain.report(tmp_path / "a.html")
    assert raised.value.filename == str(tmp_path / "a.html")
    assert [file.name for file in tmp_path.iterdir()] == ["a.html"]
    assert (tmp_path / "a.html").read_text() == "the one before"


# --- in a batch ---


def test_reports_stand_beside_results_and_are_resumed(clips: Path, tmp_path: Path) -> None:
    def run(**options: bool) -> list[bool]:
        plan = plan_batch([clips / "short.mp4"], out=tmp_path, report=True, **options)
        return [outcome.resumed for outcome in analyze_batch(plan, jobs=1, resume=True)]

    assert run() == [False]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["short.mp4.csv", "short.mp4.html", "status.csv"]
    assert "attribution_audio_pitch_amygdala" in (tmp_path / "short.mp4.csv").read_text()
    assert run() == [True]
    page = tmp_path / "short.mp4.html"
    page.write_text(page.read_text().replace(origin_of(page), "0" * 64))  # that of another analysis
    assert run() == [False]
    assert run() == [True]
    page.unlink()
    assert run() == [False]


def test_a_damaged_film_is_shown_as_far_as_it_goes(clips: Path, bundle: Path, tmp_path: Path) -> None:
    cut = analyze(clips / "cut.avi", model=bundle)
    page = cut.report(tmp_path / "a.html").read_text(encoding="utf-8")
    assert "ends early or is damaged" in page.partition("<main>")[0]
    assert "The player holds a smaller copy" in page
    assert page.count("ends early") == 2  # in the remarks and in the provenance


def test_a_page_needs_a_folder(clips: Path) -> None:
    done = CliRunner().invoke(app, ["analyze", str(clips / "short.mp4"), "--report"])
    assert done.exit_code == 2
    assert "--report needs a folder for files: name it with --out DIR" in done.stderr


def test_the_mark_of_a_page_follows_what_it_depends_on(plain: Analysis, tmp_path: Path) -> None:
    page = plain.report(tmp_path / "a.html")
    assert origin_of(page) == mark_of(dict(plain.provenance))
    assert mark_of({**plain.provenance, "input_sha256": "0"}) != origin_of(page)
    assert origin_of(tmp_path / "absent.html") == ""
    (tmp_path / "other.html").write_text("<!doctype html><title>other</title>")
    assert origin_of(tmp_path / "other.html") == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0, "0"), (41.03, "41"), (0.012345, "0.0123"), (-1234.6, "−1,235"), (1e-7, "0.0000001")],
)
def test_numbers_are_short_and_never_in_powers_of_ten(value: float | None, text: str) -> None:
    assert number(value) == text
