"""What tests of several rooms need: media written with PyAV, and a bundle with an untrained network.

The fixtures `write_media` and `write_bundle` return the functions of those names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray

settings.register_profile("avfbel", deadline=None, derandomize=True)  # seeded; a busy machine is no failure
settings.load_profile("avfbel")

TICK = Fraction(1, 90_000)
VIDEO_CODECS = {".mp4": "libx264", ".mkv": "libx264", ".ts": "libx264", ".webm": "libvpx", ".avi": "mpeg4"}
AUDIO_CODECS = {
    ".mp4": "aac",
    ".mkv": "aac",
    ".ts": "aac",
    ".m4a": "aac",
    ".webm": "libopus",
    ".ogg": "libopus",
    ".avi": "libmp3lame",
    ".mp3": "libmp3lame",
    ".wav": "pcm_s16le",
    ".flac": "flac",
}


def write_media(
    path: Path,
    *,
    frames: Iterable[NDArray[np.uint8]] | None = None,
    times: Iterable[float] | None = None,
    fps: int = 30,
    samples: NDArray[np.floating] | None = None,
    rate: int = 44_100,
    layout: str | None = None,
    audio_start_s: float = 0.0,
    video_codec: str | None = None,
    audio_codec: str | None = None,
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write a media file whose format and codecs follow from the suffix of `path`, and return the path.

    `frames` are (h, w, 3) uint8 RGB pictures shown at `times` (s; by default every 1/`fps` s), `samples`
    float of shape (n,) or (n, channels), full scale 1, from `audio_start_s` on. `options` go to the video
    encoder, `container_options` to the muxer (``{"movflags": "faststart"}``).
    """
    suffix = path.suffix
    with av.open(str(path), "w", options=container_options or {}) as container:
        video = sound = None
        pictures = list(frames) if frames is not None else []
        if pictures:
            height, width = pictures[0].shape[:2]
            video = container.add_stream(video_codec or VIDEO_CODECS[suffix], rate=fps, options=options or {})
            video.width, video.height, video.pix_fmt = width, height, pix_fmt
            if times is not None:
                video.codec_context.time_base = video.time_base = TICK
        if samples is not None:
            samples = np.atleast_2d(np.asarray(samples, np.float32).T)
            layout = layout or {1: "mono", 2: "stereo", 6: "5.1"}[len(samples)]
            sound = container.add_stream(audio_codec or AUDIO_CODECS[suffix], rate=rate, layout=layout)
        if video is not None:
            shown = list(times) if times is not None else None
            for k, picture in enumerate(pictures):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
                frame.time_base = TICK if shown else Fraction(1, fps)
                frame.pts = round(shown[k] / TICK) if shown else k
                container.mux(video.encode(frame))
            container.mux(video.encode())
        if sound is not None and samples is not None:
            block = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=layout)
            block.rate, block.time_base = rate, Fraction(1, rate)
            block.pts = round(audio_start_s * rate)
            context = sound.codec_context
            resampler = av.AudioResampler(
                format=context.format,
                layout=context.layout,
                rate=context.rate,
                frame_size=context.frame_size or 0,
            )
            for part in [*resampler.resample(block), *resampler.resample(None)]:
                container.mux(sound.encode(part))
            container.mux(sound.encode())
    return path


@pytest.fixture(name="write_media", scope="session")
def _write_media() -> Callable[..., Path]:
    return write_media


REGIONS = (
    *("V1", "V2", "V4", "IT", "PYR", "PV", "SOM", "aSTG"),
    *("amygdala", "orbitofrontal", "prefrontal"),
)
FEATURE_RANGES = {
    "speed": [20.0, 400.0],
    "jitter": [0.0, 1.0],
    "consonance": [-1.0, 0.0],
    "bigsmall": [0.0, 1.0],
    "updown": [-3.0, 3.0],
    "pitch": [50.0, 2000.0],
    "tonnetz": [0.0, 1.0],
    "rms": [1e-3, 1.0],
    "tempo": [10.0, 600.0],
    "duration": [0.01, 3.0],
    "direction": [0.0, 1.0],
    "harmony": [-100.0, 100.0],
}


def stand_in_network(*, emotion_bias: float = 0.0) -> bytes:
    """Return an ONNX network with the inputs and outputs of a trained one, written by hand, untrained.

    Either sense gives four units, tanh of a fixed mixture of its input times its evidence; fused, they are
    eight. `emotion_bias` is added to the emotional output, whatever is sensed.
    """
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(7)
    scale = np.array([1 / 440, 3.0, 5.0, 1 / 120, 2.0, 1.0, 0.05])
    constants = {
        "zero": np.zeros(1),
        "from_ear": rng.normal(size=(7, 4)) * scale[:, None],
        "from_eye": rng.normal(size=(5, 4)) * np.array([0.05, 1, 1, 20, 1])[:, None],
        "scale_gates": np.array([[0.9, 0.7]]),
        "bias": np.full(5, emotion_bias),
        "quarter": np.array([0.25]),
        "audio": np.array([[1.0], [0.0]]),
        "video": np.array([[0.0], [1.0]]),
    }
    nodes = [
        ("IsNaN", ["acoustic"], "missing"),
        ("Where", ["missing", "zero", "acoustic"], "heard"),
        ("MatMul", ["heard", "from_ear"], "ear"),
        ("Tanh", ["ear"], "ear_squashed"),
        ("Relu", ["ear_squashed"], "ear_units"),
        ("MatMul", ["evidence", "audio"], "g_audio"),
        ("Mul", ["ear_units", "g_audio"], "x_audio"),
        ("GlobalAveragePool", ["maps"], "pooled"),
        ("Flatten", ["pooled"], "seen"),
        ("MatMul", ["seen", "from_eye"], "eye"),
        ("Tanh", ["eye"], "eye_squashed"),
        ("Relu", ["eye_squashed"], "eye_units"),
        ("MatMul", ["evidence", "video"], "g_video"),
        ("Mul", ["eye_units", "g_video"], "x_video"),
        ("MatMul", ["x_fused", "V"], "amygdala_out"),
        ("MatMul", ["x_fused", "U"], "orbitofrontal_out"),
        ("Sub", ["amygdala_out", "orbitofrontal_out"], "difference"),
        ("Add", ["difference", "bias"], "emotion"),
        ("Mul", ["evidence", "scale_gates"], "gates"),
        ("MatMul", ["x_fused", "W"], "prefrontal_out"),
        ("Mul", ["T", "zero"], "thalamus"),
        ("Add", ["amygdala_out", "thalamus"], "with_thalamus"),
        ("Mul", ["activity", "gain"], "regions"),
    ]
    made = [helper.make_node(kind, inputs, [output]) for kind, inputs, output in nodes]
    made.insert(14, helper.make_node("Concat", ["x_audio", "x_video"], ["x_fused"], axis=1))
    means = []
    for region in ("x_video", "x_audio", "x_fused", "with_thalamus", "orbitofrontal_out", "prefrontal_out"):
        made.insert(-1, helper.make_node("ReduceMean", [region], [f"{region}_mean"], axes=[1], keepdims=1))
        means.append(f"{region}_mean")
    order = [means[0]] * 4 + [means[1]] * 3 + means[2:]
    made.insert(-1, helper.make_node("Concat", order, ["activity"], axis=1))
    inputs = {"maps": ["n", 5, 64, 64], "acoustic": ["n", 7], "evidence": ["n", 2]}
    inputs |= {"V": [8, 5], "U": [8, 5], "W": [8, 8], "T": [5], "gain": [11]}
    outputs = {"emotion": ["n", 5], "regions": ["n", 11], "gates": ["n", 2], "x_fused": ["n", 8]}
    graph = helper.make_graph(
        made,
        "stand-in",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    return bytes(model.SerializeToString())


def write_bundle(
    folder: Path, *, network: bytes | None = None, emotion_bias: float = 0.0, **card: Any
) -> Path:
    """Write a bundle with an untrained network and return its folder; `card` replaces entries of the card."""
    from safetensors.numpy import save

    rng = np.random.default_rng(3)
    weights = {
        "V": rng.uniform(0, 0.4, (8, 5)),
        "U": rng.uniform(0, 0.1, (8, 5)),
        "W": rng.uniform(0, 0.1, (8, 8)),
        "T": np.zeros(5),
        "gain": np.ones(11),
    }
    files = {
        "model.onnx": network or stand_in_network(emotion_bias=emotion_bias),
        "weights.safetensors": save({name: value.astype(np.float32) for name, value in weights.items()}),
    }
    content = {
        "format": "avfbel-bundle/1",
        "name": "stand-in",
        "version": "0",
        "avfbel": "0",
        "feature_ranges": FEATURE_RANGES,
        "may_be_missing": ["updown"],
        "regions": list(REGIONS),
        "seed": 3,
        "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "card.json").write_text(json.dumps(content | card))
    return folder


@pytest.fixture(name="write_bundle", scope="session")
def _write_bundle() -> Callable[..., Path]:
    return write_bundle


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an untrained bundle, so that the runtime is tested without training."""
    return write_bundle(tmp_path_factory.mktemp("bundle"))


def ball_frames(
    seconds: float, *, fps: int = 30, height: int = 120, width: int = 100
) -> list[NDArray[np.uint8]]:
    """Return pictures of a red ball that bounces twice a second before a dark wall."""
    rows, columns = np.mgrid[:height, :width]
    pictures = []
    for k in range(round(seconds * fps)):
        top = height * (0.8 - 0.6 * abs(np.sin(2 * np.pi * k / fps)))
        picture = np.full((height, width, 3), 30, np.uint8)
        picture[(rows - top) ** 2 + (columns - width / 2) ** 2 < (height / 8) ** 2] = (220, 40, 40)
        pictures.append(picture)
    return pictures


def tones(seconds: float, *, rate: int = 44_100) -> NDArray[np.float32]:
    """Return a scale of decaying tones, five in two seconds."""
    time = np.arange(round(seconds * rate)) / rate
    since = time % 0.4
    pitch = 262 * 2 ** ((time // 0.4) % 8 / 12)
    return (0.3 * np.exp(-6 * since) * np.sin(2 * np.pi * pitch * since)).astype(np.float32)


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small films and sounds: whole, silent, black, without one track, cut off, and no media."""
    folder = tmp_path_factory.mktemp("clips")
    ball, black = ball_frames(6), [np.zeros((120, 100, 3), np.uint8)] * 60
    write_media(folder / "plain.mp4", frames=ball, samples=tones(6))
    write_media(folder / "silent.mp4", frames=ball, samples=np.zeros(6 * 44_100))
    write_media(folder / "black.mp4", frames=black, samples=np.zeros(2 * 44_100))
    write_media(folder / "noaudio.mp4", frames=ball)
    write_media(folder / "sound.wav", samples=tones(6))
    write_media(folder / "short.mp4", frames=ball[:9], samples=tones(0.3))
    cut = write_media(folder / "whole.avi", frames=ball, samples=tones(6)).read_bytes()
    (folder / "cut.avi").write_bytes(cut[: len(cut) // 2])
    (folder / "whole.avi").unlink()
    (folder / "not_media.mp4").write_bytes(b"hello, this is no film\n" * 100)
    (folder / "empty.mp4").write_bytes(b"")
    return folder
