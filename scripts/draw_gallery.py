"""Write docs/gallery.md: what each of the 38 stimuli looks and sounds like, one clip of each.

    python scripts/draw_gallery.py [--out docs] [--seed 7]

For each stimulus: the ball at the tops of four of its bounces, the notes as a piano roll, and its parameters.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from avfbel.files import write_whole
from avfbel.stimulus import Score, ball_bounces, compose, named_stimuli, render_frames

SHOWN, THUMB = 4, (125, 150)  # pictures of the ball, and their size in pixels
ROLL = (420, 150)  # size of the piano roll in pixels
SECONDS, LOWEST, HIGHEST = 3.0, 12, 120
HEAD = """# The 38 stimuli

One clip of each: the ball at the tops of four bounces spread over the film, and the melody as a piano roll
(0 to 3 s, lines at the Cs). The same notes make both: a big interval is a high bounce, a dissonant one a
spiky skin, and the ball leans back as the melody rises.

Made by `python scripts/draw_gallery.py`; `avfbel stimulus --name NAME --seed {seed}` makes the clip itself.

| stimulus | bpm | jitter | consonance | bigsmall | updown | seed {seed} |
|---|---|---|---|---|---|---|
"""


def main() -> None:
    """Draw all stimuli and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    images = options.out / "images" / "gallery"
    images.mkdir(parents=True, exist_ok=True)
    page = HEAD.format(seed=options.seed)
    for name, p in named_stimuli().items():
        score = compose(p, seed=options.seed)
        write_whole(images / f"{name}.png", encode(beside(*tops_of_bounces(score), piano_roll(score))))
        values = " | ".join(f"{v:g}" for v in (p.bpm, p.jitter, p.consonance, p.bigsmall, p.updown))
        page += f"| {name} | {values} | ![{describe(name, score)}](images/gallery/{name}.png) |\n"
    write_whole(options.out / "gallery.md", page.encode())
    print(options.out / "gallery.md")


def describe(name: str, score: Score) -> str:
    """Say in words what the picture shows."""
    pitches = [note.pitch for note in score.notes]
    return f"{name}: {len(pitches)} notes in 3 s, MIDI pitches {min(pitches)} to {max(pitches)}"


def tops_of_bounces(score: Score) -> list[Image.Image]:
    """Draw the ball at the tops of some bounces, evenly spread."""
    bounces = ball_bounces(score)
    chosen = [bounces[round(i)] for i in np.linspace(0, len(bounces) - 1, min(SHOWN, len(bounces)))]
    tops = {(bounce.start_frame + bounce.end_frame) // 2 for bounce in chosen}
    pictures = [
        Image.fromarray(frame).resize(THUMB, Image.Resampling.LANCZOS)
        for index, frame in enumerate(render_frames(score))
        if index in tops
    ]
    return pictures + [Image.new("RGB", THUMB, "white")] * (SHOWN - len(pictures))


def piano_roll(score: Score) -> Image.Image:
    """Draw the notes of the first three seconds."""
    figure, axes = plt.subplots(figsize=(ROLL[0] / 100, ROLL[1] / 100), dpi=100)
    axes.barh(
        [note.pitch for note in score.notes],
        [note.duration_s for note in score.notes],
        left=[note.onset_s for note in score.notes],
        height=2.2,
        color="black",
    )
    axes.set_xlim(0, SECONDS)
    axes.set_ylim(LOWEST, HIGHEST)
    axes.set_xticks([0, 1, 2, 3], ["0", "1", "2", "3 s"], fontsize=8)
    octaves = range(LOWEST, HIGHEST + 1, 12)
    axes.set_yticks(list(octaves), [f"C{n // 12 - 1}" if n % 24 else "" for n in octaves], fontsize=7)
    axes.grid(axis="y", linewidth=0.4)
    figure.tight_layout(pad=0.4)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    plt.close(figure)
    return Image.open(picture).convert("RGB")


def beside(*pictures: Image.Image) -> Image.Image:
    """Put pictures of equal height side by side."""
    strip = Image.new("RGB", (sum(p.width for p in pictures), max(p.height for p in pictures)), "white")
    left = 0
    for picture in pictures:
        strip.paste(picture, (left, 0))
        left += picture.width
    return strip


def encode(picture: Image.Image) -> bytes:
    """Encode a picture as a small PNG."""
    content = io.BytesIO()
    picture.quantize(64, method=Image.Quantize.MEDIANCUT).save(content, "PNG", optimize=True)
    return content.getvalue()


if __name__ == "__main__":
    main()
