"""The report in a real Chromium: offline, quiet, played, operated by keyboard, on a phone, without colour."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avfbel.runtime import Analysis, analyze
from avfbel.runtime.report import write_report

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
EVIL = "<img src=x onerror=alert(1)>.wav"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
Opener = Callable[..., Any]

CONTRAST = """
() => {
  const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const weights = [0.2126, 0.7152, 0.0722];
  const luminance = (c) => c.reduce((sum, v, i) => sum + weights[i] * linear(v / 255), 0);
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const ratio = (a, b) => {
    const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const node of document.querySelectorAll("body *:not(script):not(style):not(noscript)")) {
    if (![...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim())) continue;
    if (!node.getClientRects().length) continue;
    const style = getComputedStyle(node);
    const ink = rgb(node instanceof SVGElement ? style.fill : style.color).slice(0, 3);
    const region = node.closest(".region");
    const lights = region ? [...region.querySelectorAll(".box, .light")] : [];
    const fills = lights.map((part) => getComputedStyle(part).fill).filter((fill) => fill.startsWith("rgb"));
    const grounds = region ? fills.map(rgb) : [ground(node)];
    const bad = grounds.filter((under) => ratio(ink, under) < 4.5);
    if (bad.length) poor.push([node.textContent.trim(), ink, bad]);
  }
  return poor;
}
"""

DRAWN = """
new MutationObserver((_, observer) => {
  if (document.querySelectorAll("#panels .playhead").length < 4) return;
  performance.mark("drawn");
  observer.disconnect();
}).observe(document, { childList: true, subtree: true });
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Any) -> Iterator[Opener]:
    """Open a page that may read files and nothing else, and fail if it asks, complains or alerts."""
    contexts, complaints = [], []

    def open_page(path: Path, *, may_miss_media: bool = False, **options: Any) -> Any:
        context = browser.new_context(**options)
        contexts.append(context)

        def only_files(route: Any) -> None:
            if route.request.url.startswith("file:"):
                route.continue_()
            else:
                complaints.append(f"request {route.request.url}")
                route.abort()

        context.route("**/*", only_files)
        page = context.new_page()
        page.on("console", lambda said: None if may_miss_media else complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append("dialog"), dialog.dismiss()))
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory, write_media: Callable[..., Path]) -> Path:
    """Eight seconds: a ball that bounces, then one that rests; tones, then silence."""
    rows, columns = np.mgrid[:120, :100]
    frames = []
    for k in range(8 * 30):
        top = 120 * (0.8 - 0.6 * abs(np.sin(2 * np.pi * min(k, 130) / 30)))
        picture = np.full((120, 100, 3), 30, np.uint8)
        picture[(rows - top) ** 2 + (columns - 50) ** 2 < 225] = (220, 40, 40)
        frames.append(picture)
    at = np.arange(8 * 48_000) / 48_000
    tones = 0.3 * np.exp(-6 * (at % 0.4)) * np.sin(2 * np.pi * 262 * 2 ** ((at // 0.4) % 8 / 12) * at)
    folder = tmp_path_factory.mktemp("film")
    return write_media(folder / "film.webm", frames=frames, samples=tones * (at < 5), rate=48_000)


@pytest.fixture(scope="module")
def analysis(film: Path) -> Analysis:
    return analyze(film, attribution=True, window=2.0)


@pytest.fixture(scope="module")
def report(analysis: Analysis, film: Path) -> Path:
    """A report with intervals in the first half."""
    half = len(analysis.windows) // 2
    windows = [
        replace(w, epp_low=w.epp - 0.1, epp_high=w.epp + 0.05) if w.index < half else w
        for w in analysis.windows
    ]
    windows[-1] = replace(windows[-1], features=dict.fromkeys(windows[-1].features), in_range=False)
    windows[0] = replace(windows[0], in_range=True)
    return write_report(replace(analysis, windows=tuple(windows)), film.with_name("film.webm.html"))


def levels(page: Any) -> dict[str, str]:
    nodes = page.locator(".region[data-level]")
    return dict(nodes.evaluate_all("nodes => nodes.map((node) => [node.dataset.region, node.dataset.level])"))


def until(page: Any, condition: str, seconds: float = 15.0) -> None:
    """Wait for a condition; Playwright's own way is code made from text, which the page forbids."""
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, condition
        page.wait_for_timeout(20)


def head(page: Any) -> str:
    return str(page.locator("#panels .playhead").first.get_attribute("transform"))


def test_the_clip_plays_and_everything_follows_it(opened: Opener, report: Path) -> None:
    page = opened(report)
    until(page, "media.readyState >= 2")
    assert page.evaluate("media.src").startswith("blob:")
    before = head(page), levels(page), page.locator("#now").inner_text()
    page.evaluate("media.muted = true")
    page.get_by_role("button", name="Play", exact=True).click()
    until(page, "media.currentTime > 0.5 && !media.paused")
    page.evaluate("clock.seek(5.5)")
    until(page, "media.currentTime > 5.6")
    after = head(page), levels(page), page.locator("#now").inner_text()
    for earlier, later in zip(before, after, strict=True):
        assert earlier != later
    page.get_by_role("button", name="Pause", exact=True).click()
    until(page, "media.paused")
    assert page.evaluate("Math.abs(Number(timeline.value) - media.currentTime)") < 0.05


def test_regions_are_lit_as_far_as_they_are_active(opened: Opener, report: Path, analysis: Analysis) -> None:
    page = opened(report)
    for k in (0, len(analysis.windows) - 1):
        page.evaluate(f"goToWindow({k})")
        shown = levels(page)
        for name in analysis.windows[0].regions:
            course = [window.regions[name] for window in analysis.windows]
            span = max(course) - min(course)
            share = (course[k] - min(course)) / span if span > 1e-6 * abs(max(course)) else 0.0
            assert float(shown[name]) == pytest.approx(share, abs=2e-3), name
    lit = page.locator(".region .light").evaluate_all("nodes => nodes.map((n) => n.style.opacity)")
    assert len(set(lit)) > 1


def test_the_last_frame_of_the_player_moves_the_page(opened: Opener, report: Path) -> None:
    page = opened(report)
    until(page, "media.readyState >= 2")
    page.evaluate("media.currentTime = 4.2")  # as the player's own controls do
    until(page, "Math.abs(Number(timeline.value) - 4.2) < 0.05")


def test_a_click_in_a_panel_moves_the_play_head(opened: Opener, report: Path) -> None:
    page = opened(report)
    plot = page.locator("#panels .plot").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.click(box["x"] + 40 + 0.75 * (box["width"] - 50), box["y"] + 60)
    assert page.evaluate("clock.time") == pytest.approx(6.0, abs=0.1)


def test_all_of_it_works_by_keyboard(opened: Opener, report: Path, analysis: Analysis) -> None:
    page = opened(report)
    page.locator("#timeline").focus()
    edges = page.evaluate("data.edges")
    middles = [(left + right) / 2 for left, right in pairwise(edges)]
    page.keyboard.press("Home")
    assert page.evaluate("clock.time") == 0
    for k in (1, 2):
        page.keyboard.press("ArrowRight")
        assert page.evaluate("clock.time") == pytest.approx(middles[k], abs=1e-6)
    assert "window 3 of" in page.locator("#timeline").get_attribute("aria-valuetext")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("clock.time") == pytest.approx(middles[1], abs=1e-6)
    page.keyboard.press("End")
    assert page.evaluate("clock.time") == pytest.approx(analysis.duration_s, rel=1e-5)
    for key, chosen in (("Enter", "V4"), (" ", "orbitofrontal")):
        page.locator(f'.region[data-region="{chosen}"]').focus()
        page.keyboard.press(key)
        pressed = page.locator('.region[aria-pressed="true"]')
        assert pressed.evaluate_all("nodes => nodes.map((n) => n.dataset.region)") == [chosen]
        assert page.locator("#detail-plot path.course").count() == 1
    assert page.locator("#detail-title").inner_text() == "orbitofrontal: orbitofrontal cortex"
    assert "inhibits" in page.locator("#detail-sentence").inner_text()
    until(page, "media.readyState >= 2")
    page.locator("#play").focus()
    page.keyboard.press(" ")
    until(page, "!media.paused")


def test_focus_goes_through_the_page_in_order_and_is_seen(opened: Opener, report: Path) -> None:
    page = opened(report)
    reached, unseen = [], []
    for _ in range(40):
        page.keyboard.press("Tab")
        now = page.evaluate(
            """() => {
              const node = document.activeElement;
              const ring = node.querySelector(".ring");
              const seen = ring ? getComputedStyle(ring).stroke : getComputedStyle(node).outlineStyle;
              const name = node.ariaLabel || node.textContent.trim() || node.id;
              return [node.dataset.region || node.id || node.localName, seen !== "none", name];
            }"""
        )
        if now[0] == "body":
            break
        reached.append(now[0])
        unseen += [now[0]] * (not now[1])
        assert now[2]
    wanted = ["a", "media", "PYR", "V1", "aSTG", "amygdala", "prefrontal", "previous", "timeline", "summary"]
    places = [reached.index(name) for name in wanted]
    assert places == sorted(places)
    assert [name for name in unseen if name != "media"] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_dark(opened: Opener, report: Path, scheme: str) -> None:
    page = opened(report, color_scheme=scheme)
    page.locator("details").evaluate_all("nodes => nodes.forEach((node) => { node.open = true; })")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor").strip("rgb()").split(",")
    assert (int(paper[0]) < 60) == (scheme == "dark")
    assert page.evaluate(CONTRAST) == []


def test_nothing_is_told_by_colour_alone(opened: Opener, report: Path) -> None:
    page = opened(report)
    dashes = page.locator("#panels .panel").last.locator(".legend .course")
    dashes = dashes.evaluate_all("nodes => nodes.map((node) => node.getAttribute('stroke-dasharray'))")
    assert len(set(dashes)) == len(dashes) == 5
    textures = page.evaluate(
        """() => data.sources.map((part) => [part.sense, [...document.getElementById(part.pattern).children]
             .slice(1).map((mark) => mark.getAttribute("d") || mark.getAttribute("r")).join(), part.name])"""
    )
    plain = [name for _, texture, name in textures if not texture]
    assert sorted(plain) == ["all average", "all average", "pitch"]
    worn = [texture for _, texture, _ in textures if texture]
    assert len(set(worn)) == len(worn)
    assert page.locator(".region .value").all_inner_texts().count("") == 0
    bars = page.locator(".region .level").evaluate_all("nodes => nodes.map((n) => n.getAttribute('width'))")
    assert len(set(bars)) > 2


def test_the_interval_is_drawn_only_where_there_is_one(opened: Opener, report: Path) -> None:
    page = opened(report)
    band = page.locator("#panels .plot polygon.band")
    assert band.count() == 1
    points = [float(point.split(",")[0]) for point in band.get_attribute("points").split()]
    half = page.evaluate("data.epp_low.indexOf(null)")
    ends = page.evaluate(
        f"document.querySelector('#panels .plot').clientWidth - 50 ? [data.edges[{half}], data.duration] : 0"
    )
    width = page.evaluate("document.querySelector('#panels .plot').clientWidth") - 50
    assert max(points) == pytest.approx(40 + ends[0] / ends[1] * width, abs=0.1)
    assert page.locator("#panels rect[fill='url(#outside)']").count() >= 1
    page.evaluate("goToWindow(data.epp.length - 1)")
    assert "outside of training\nyes" in page.locator("#panels .legend").first.inner_text()
    assert "interval\n–" in page.locator("#panels .legend").first.inner_text()


def test_it_fits_a_phone(opened: Opener, report: Path) -> None:
    page = opened(report, **PHONE)
    page.locator("details").evaluate_all("nodes => nodes.forEach((node) => { node.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    sizes = page.locator("#circuit text").evaluate_all(
        "nodes => nodes.map((n) => parseFloat(getComputedStyle(n).fontSize) * n.getScreenCTM().a)"
    )
    assert min(sizes) > 9
    for target in page.locator(".region .box, .transport button").all():
        box = target.bounding_box()
        assert min(box["width"], box["height"]) >= 36
    page.locator('.region[data-region="aSTG"]').tap()
    assert page.locator("#detail-title").inner_text() == "aSTG: anterior superior temporal gyrus"


def test_a_name_cannot_run(opened: Opener, clips: Path, bundle: Path, tmp_path: Path) -> None:
    evil = tmp_path / EVIL
    evil.write_bytes((clips / "sound.wav").read_bytes())
    page = opened(analyze(evil, model=bundle).report(tmp_path / "a.html"))
    until(page, "media.readyState >= 2")
    assert page.locator("h1").inner_text() == EVIL
    assert page.locator("img").count() == 0
    assert page.title() == f"{EVIL} – avfbel report"


@pytest.mark.parametrize(
    ("name", "kind"), [("sound.wav", "audio"), ("noaudio.mp4", "video"), ("black.mp4", "video")]
)
def test_clips_of_one_sense_or_none(
    name: str, kind: str, opened: Opener, clips: Path, bundle: Path, tmp_path: Path
) -> None:
    page = opened(analyze(clips / name, model=bundle).report(tmp_path / "a.html"), may_miss_media=True)
    assert page.locator(f"{kind}#media").count() == 1
    assert page.locator("#panels .panel").count() == 2  # without contributions
    page.evaluate("goToWindow(0)")
    assert page.locator('[data-end="EPP"] .value').text_content().split()[0].startswith("0.")


def test_without_its_media_the_page_still_moves(
    opened: Opener, analysis: Analysis, film: Path, tmp_path: Path
) -> None:
    media = tmp_path / "moved.webm"
    media.write_bytes(film.read_bytes())
    path = write_report(analysis, tmp_path / "a.html", media=media, most_bytes=1000)
    linked = opened(path)
    until(linked, "media.readyState >= 2")
    assert linked.evaluate("media.src").endswith("moved.webm")
    assert "through a link" in linked.locator("#player-told").inner_text()
    media.unlink()
    page = opened(path, may_miss_media=True)
    until(page, "clock.silent")
    assert "could not be played here" in page.locator("#player-told").inner_text()
    before = head(page)
    page.locator("#play").click()
    until(page, "clock.time > 1.2")
    assert head(page) != before


def test_a_minute_is_drawn_within_a_second(
    browser: Any, analysis: Analysis, write_media: Callable[..., Path], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    media = write_media(tmp_path / "minute.wav", samples=rng.uniform(-0.3, 0.3, (60 * 44_100, 2)))
    windows = tuple(
        replace(analysis.windows[k % len(analysis.windows)], index=k, start_s=float(k), end_s=k + 4.0)
        for k in range(57)
    )
    minute = replace(analysis, windows=windows, duration_s=60.0)
    path = write_report(minute, tmp_path / "minute.html", media=media)
    assert path.stat().st_size > 14_000_000
    drawn = []
    for _ in range(3):
        page = browser.new_page()
        page.add_init_script(DRAWN)
        page.goto(path.as_uri())
        until(page, "media.readyState >= 2")
        drawn.append(page.evaluate("performance.getEntriesByName('drawn')[0].startTime / 1000"))
        page.close()
    assert min(drawn) < 1.0
