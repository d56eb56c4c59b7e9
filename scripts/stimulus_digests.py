"""Compute SHA-256 digests of five clips, and write them to tests/stimulus/digests.json.

Melody and sound are the same to the bit on any machine; the drawn frames, before encoding, are the same with
the versions of constraints.txt. Run it after a change that is meant to be seen or heard; with ``--print`` it
shows the digests as JSON and writes nothing, with ``--no-frames`` it leaves the frames out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from pathlib import Path

from avfbel.stimulus import compose, named, synthesize, write_wav
from avfbel.stimulus.midi import midi_bytes
from avfbel.stimulus.render import render_planes
from avfbel.stimulus.score import Score
from avfbel.stimulus.sound import Sound

COMMITTED = Path(__file__).parents[1] / "tests" / "stimulus" / "digests.json"
CLIPS: dict[str, tuple[Score, Sound]] = {
    "happy, seed 7": (compose(named("happy"), seed=7), "piano"),
    "sad, seed 1": (compose(named("sad"), seed=1), "piano"),
    "angry, seed 2": (compose(named("angry"), seed=2), "piano"),
    "search_one, seed 3": (compose(named("search_one"), seed=3), "piano"),
    "peaceful, seed 4, patch, sine": (compose(named("peaceful"), seed=4, variant="patch"), "sine"),
}


def digests(*, frames: bool = True) -> dict[str, dict[str, str]]:
    """Return the digest of each part of each clip, in hexadecimal."""
    return {
        name: {"mid": _sha256(midi_bytes(score)), "wav": _wav(score, sound)}
        | ({"frames": _frames(score)} if frames else {})
        for name, (score, sound) in CLIPS.items()
    }


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _wav(score: Score, sound: Sound) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.wav"
        write_wav(synthesize(score, sound=sound), path)
        return _sha256(path.read_bytes())


def _frames(score: Score) -> str:
    """Digest of the planes of all frames, one after another, row by row."""
    total = hashlib.sha256()
    for planes in render_planes(score):
        for plane in planes:
            total.update(plane.tobytes())
    return total.hexdigest()


def main() -> None:
    """Write or print the digests."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--print", action="store_true", help="show them and write nothing")
    parser.add_argument("--no-frames", action="store_true", help="leave the frames out, with --print")
    options = parser.parse_args()
    if options.no_frames and not options.print:
        parser.error("--no-frames goes with --print only")
    text = json.dumps(digests(frames=not options.no_frames), indent=2) + "\n"
    if options.print:
        print(text, end="")
    else:
        COMMITTED.write_text(text)
        print(f"wrote {COMMITTED}")


if __name__ == "__main__":
    main()
