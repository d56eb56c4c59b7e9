"""Draw the traces of two stimuli that follow each other, as a picture for the docs.

Usage: python scripts/draw_traces.py [--out docs/images/traces.png]

The clip is a happy stimulus, stillness, and a sad one; the model is the shipped one; a sample every 0.25 s,
each of the four seconds around it.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import av
import numpy as np

from avfbel.interpret import trace
from avfbel.stimulus import compose, named, write_stimulus

SEED, SECONDS, REST = 3, 12.0, 3.0


def main() -> None:
    """Make the clips, put them one after the other, and draw their traces."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/images/traces.png"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        films = []
        for name in ("happy", "sad"):
            files = write_stimulus(compose(named(name), seed=SEED, seconds=SECONDS), Path(folder), name)
            films.append(next(path for path in files if path.suffix == ".mp4"))
        film = join(films, Path(folder) / "happy_then_sad.mp4")
        trace(film, hop=0.25).plot(options.out)
    print(options.out)


def join(films: list[Path], out: Path) -> Path:
    """Write films of one size and rate one after the other, each followed by `REST` s of stillness."""
    pictures, sounds = [], []
    for film in films:
        with av.open(str(film)) as container:
            video, audio = container.streams.video[0], container.streams.audio[0]
            rate, sample_rate = video.average_rate, audio.rate
            shown = [frame.to_ndarray(format="rgb24") for frame in container.decode(video)]
            container.seek(0)
            heard = [frame.to_ndarray().mean(axis=0) for frame in container.decode(audio)]
        shown += [shown[-1]] * round(REST * rate)
        pictures += shown
        n_samples = round(len(shown) / rate * sample_rate)
        sounds.append(np.pad(np.concatenate(heard), (0, n_samples))[:n_samples].astype(np.float32))
    with av.open(str(out), "w") as container:
        video = container.add_stream("libx264", rate=rate)
        video.height, video.width = pictures[0].shape[:2]
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=sample_rate, layout="mono")
        for picture in pictures:
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode())
        block = av.AudioFrame.from_ndarray(np.concatenate(sounds)[None], format="fltp", layout="mono")
        block.rate = sample_rate
        container.mux(audio.encode(block))
        container.mux(audio.encode())
    return out


if __name__ == "__main__":
    main()
