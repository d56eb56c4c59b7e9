"""Draw the ball at the extremes of the parameters that it shows, side by side, as a picture for the docs.

Usage: python scripts/draw_extremes.py [--out docs/images/ball_extremes.png]

Every panel is a frame of a film of the usual parameters but for the one that is named; where the ball leans,
the melody also moves faster and in larger steps. Its smoothest, middle and spikiest bounce stand for a film.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from avfbel.stimulus import Score, StimulusParameters, compose
from avfbel.stimulus.bounces import ball_bounces
from avfbel.stimulus.motion import BallState, ball_states
from avfbel.stimulus.render import draw_picture

USUAL = StimulusParameters(bpm=120, jitter=0, consonance=37, bigsmall=50, updown=50)
FPS, SEED = 60, 13
LATE = 6  # bounces into the phrase
COLUMNS, WIDTH, GAP, CAPTION = 4, 240, 8, 54  # pixels
CROP = (45, 80, 425, 590)  # of a picture of 500 x 600: what the ball and its floor take


class Panel(NamedTuple):
    """One picture and what is written above it."""

    title: str
    note: str
    state: BallState


def main() -> None:
    """Draw the panels and write the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("docs/images/ball_extremes.png"))
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    sheet(panels()).quantize(256, dither=Image.Dither.NONE).save(options.out, optimize=True)


def panels() -> list[Panel]:
    """Choose the frames: late in a bounce for skin and lean, at its top for its height."""
    smooth, spiky = by_spikiness(film(consonance=37))[0], by_spikiness(film(consonance=0))[-1]
    between = by_spikiness(film(consonance=15))
    low, high = (film(bigsmall=value) for value in (0, 100))
    back, forward = (film(updown=value, bigsmall=60, bpm=200) for value in (0, 100))
    return [
        Panel("at rest", "before the first note", BallState(0.0, 0.0, np.zeros((625, 3)))),
        Panel("consonance 37", "smooth", smooth),
        Panel("consonance 15", "between", between[len(between) // 2]),
        Panel("consonance 0", "spiky", spiky),
        Panel("bigsmall 0", "small steps, low bounces", at(low, 2, 0.5)),
        Panel("bigsmall 100", "large steps, high bounces", at(high, 2, 0.5)),
        Panel("updown 0", "melody rises, ball leans back", at(back, LATE, 0.75)),
        Panel("updown 100", "melody falls, ball leans forward", at(forward, LATE, 0.75)),
    ]


def film(**values: float) -> Score:
    """Compose a film of the usual parameters but for those given."""
    return compose(StimulusParameters(**{**vars(USUAL), **values}), seed=SEED)


def at(score: Score, index: int, share: float) -> BallState:
    """Return the ball after a share, 0 to 1, of one of its bounces."""
    bounce = ball_bounces(score, FPS)[index]
    return list(ball_states(score, FPS))[bounce.start_frame - 1 + round(share * bounce.frames)]


def by_spikiness(score: Score) -> list[BallState]:
    """Return the ball late in each of its bounces, from the smoothest to the spikiest."""
    states = [at(score, index, 0.75) for index in range(len(ball_bounces(score, FPS)))]
    return sorted(states, key=lambda state: float(np.mean(state.offsets**2)))


def sheet(shown: list[Panel]) -> Image.Image:
    """Set the panels in rows, each under its caption."""
    left, top, right, bottom = CROP
    height = round(WIDTH * (bottom - top) / (right - left))
    rows = math.ceil(len(shown) / COLUMNS)
    paper = Image.new(
        "RGB", (COLUMNS * (WIDTH + GAP) - GAP, rows * (height + CAPTION + GAP) - GAP), (255, 255, 255)
    )
    pen = ImageDraw.Draw(paper)
    fonts = ImageFont.load_default(size=20), ImageFont.load_default(size=16)
    for index, panel in enumerate(shown):
        x, y = index % COLUMNS * (WIDTH + GAP), index // COLUMNS * (height + CAPTION + GAP)
        for text, font, down in ((panel.title, fonts[0], 4), (panel.note, fonts[1], 29)):
            pen.text((x + WIDTH / 2, y + down), text, fill=(0, 0, 0), font=font, anchor="ma")
        picture = draw_picture(panel.state, size=(1000, 1200))
        part = picture.crop((2 * left, 2 * top, 2 * right, 2 * bottom))
        paper.paste(part.resize((WIDTH, height), Image.Resampling.LANCZOS), (x, y + CAPTION))
    return paper


if __name__ == "__main__":
    main()
