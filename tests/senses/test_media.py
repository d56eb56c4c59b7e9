"""Decoding against files whose content is known, and against files that no one should hand us."""

from __future__ import annotations

import os
import struct
import tracemalloc
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from avfbel.errors import InputError
from avfbel.senses import Frame, Sound, open_media
from avfbel.senses.conversion import PictureConverter
from avfbel.senses.windows import thinning_cell


def grey(value, size=(48, 64)):
    return np.full((*size, 3), value, np.uint8)


def tone(seconds=1.0, rate=44_100, hz=440.0, channels=1):
    wave_ = 0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)
    return np.repeat(wave_[:, None], channels, axis=1)


def decode(path, **options):
    with open_media(path, **options) as media:
        items = list(media)
    frames = [item for item in items if isinstance(item, Frame)]
    sounds = [item for item in items if isinstance(item, Sound)]
    return media, frames, sounds


def all_samples(sounds):
    return np.concatenate([sound.samples for sound in sounds])


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".avi", ".ts"])
def test_film_and_sound_of_every_container(write_media, tmp_path, suffix):
    rate = 48_000 if suffix == ".webm" else 44_100
    path = write_media(
        tmp_path / f"film{suffix}",
        frames=[grey(8 * k) for k in range(30)],
        samples=tone(rate=rate),
        rate=rate,
    )
    media, frames, sounds = decode(path)
    assert (media.has_video, media.has_audio, media.complete) == (True, True, True)
    assert media.n_frames == len(frames) == 30
    assert [frame.index for frame in frames] == list(range(30))
    start = frames[0].time_s
    assert start <= 0.05
    slack = 1 / 30 if suffix == ".avi" else 1e-3  # AVI counts frames, and its encoder leaves one out at first
    np.testing.assert_allclose([f.time_s - start for f in frames], np.arange(30) / 30, atol=slack + 1e-6)
    assert np.median(np.abs([frame.rgb.mean() - 8 * frame.index for frame in frames])) < 3
    assert media.duration_s == pytest.approx(1.0, abs=0.07)
    assert sounds[0].rate == rate
    middle = all_samples(sounds)[rate // 4 : 3 * rate // 4]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)
    times = [item.time_s for item in sounds]
    assert times == sorted(times)


def test_times_of_a_variable_frame_rate_are_those_written(write_media, tmp_path):
    times = [0.0, 0.1, 0.15, 0.4, 1.0, 1.05, 2.0]
    path = write_media(tmp_path / "vfr.mp4", frames=[grey(30 * k) for k in range(7)], times=times)
    media, frames, _ = decode(path)
    np.testing.assert_allclose([frame.time_s for frame in frames], times, atol=1e-4)
    assert media.duration_s >= 2.0


def test_sixty_frames_a_second_are_thinned_to_thirty(write_media, tmp_path):
    path = write_media(tmp_path / "fast.mp4", frames=[grey(4 * k) for k in range(60)], fps=60)
    media, frames, _ = decode(path)
    assert media.n_frames == 60
    assert [frame.index for frame in frames] == list(range(0, 60, 2))
    cells = [thinning_cell(frame.time_s) for frame in frames]
    assert cells == sorted(set(cells))


def test_only_pictures_that_are_kept_are_converted(write_media, tmp_path, monkeypatch):
    path = write_media(tmp_path / "fast.mp4", frames=[grey(4 * k) for k in range(60)], fps=60)
    converted = []
    convert = PictureConverter.__call__
    monkeypatch.setattr(PictureConverter, "__call__", lambda self, f: converted.append(f) or convert(self, f))
    decode(path)
    assert len(converted) == 30


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_that_starts_late_stays_late(write_media, tmp_path, suffix):
    samples = tone(0.5)
    path = write_media(tmp_path / f"late{suffix}", frames=[grey(9)] * 30, samples=samples, audio_start_s=0.25)
    _, frames, sounds = decode(path)
    track = np.concatenate([np.zeros(round(sounds[0].time_s * 44_100)), all_samples(sounds)[:, 0]])
    onset_s = np.flatnonzero(np.abs(track) > 0.2)[0] / 44_100
    assert frames[0].time_s == 0
    assert onset_s == pytest.approx(0.25, abs=0.005)  # an AAC frame's pre-echo, and ms of Matroska


def test_film_that_starts_late_stays_late(write_media, tmp_path):
    times = [0.5 + k / 10 for k in range(5)]
    path = write_media(
        tmp_path / "late.mkv", frames=[grey(9)] * 5, times=times, samples=tone(1.0), audio_codec="pcm_s16le"
    )
    _, frames, sounds = decode(path)
    np.testing.assert_allclose([frame.time_s for frame in frames], times, atol=1e-3)
    assert sounds[0].time_s == 0


def test_time_zero_is_the_earliest_of_the_wanted_tracks(write_media, tmp_path):
    times = [0.5 + k / 10 for k in range(5)]
    path = write_media(tmp_path / "late.mkv", frames=[grey(9)] * 5, times=times, samples=tone(1.0))
    media, frames, sounds = decode(path, audio=False)
    assert frames[0].time_s == 0
    assert not sounds
    assert media.has_audio  # it is there, though it was not asked for


@pytest.mark.parametrize(
    ("matrix", "k"), [((0, 1, -1, 0), -1), ((0, -1, 1, 0), 1), ((-1, 0, 0, -1), 2), ((1, 0, 0, 1), 0)]
)
def test_a_rotated_film_comes_upright(write_media, tmp_path, matrix, k):
    # (0, 1, -1, 0) is what a telephone held upright writes: turn a quarter clockwise before showing.
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24, :32] = (250, 20, 20)
    picture[:24, 32:] = (20, 250, 20)
    picture[24:, :32] = (20, 20, 250)
    path = write_media(tmp_path / "turned.mp4", frames=[picture] * 5)
    data = bytearray(path.read_bytes())
    start = data.find(b"tkhd") + 4 + 40  # version 0: the matrix is 40 bytes after the name of the box
    a, b, c, d = (value << 16 for value in matrix)
    assert struct.unpack(">9i", data[start : start + 36]) == (65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
    data[start : start + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    _, frames, _ = decode(path)
    expected = np.rot90(picture, k).astype(int)
    assert frames[0].rgb.shape == expected.shape
    assert np.median(np.abs(frames[0].rgb - expected)) < 16


@pytest.mark.parametrize(
    ("size", "expected"), [((600, 500), (300, 250)), ((720, 1280), (300, 533)), ((31, 17), (31, 17))]
)
def test_frames_are_reduced_to_the_working_size(write_media, tmp_path, size, expected):
    options = {"pix_fmt": "yuv444p"} if size[0] % 2 else {}
    path = write_media(tmp_path / "film.mp4", frames=[grey(100, size)] * 3, **options)
    _, frames, _ = decode(path)
    assert frames[0].rgb.shape == (*expected, 3)
    assert frames[0].rgb.flags.c_contiguous
    assert frames[0].rgb.dtype == np.uint8


def test_one_frame_is_a_film(write_media, tmp_path):
    path = write_media(tmp_path / "one.mp4", frames=[grey(100)])
    media, frames, _ = decode(path)
    assert len(frames) == 1
    assert 0 < media.duration_s <= 0.1


def test_eight_bit_mono_is_centred_and_full_scale_one(tmp_path):
    path = tmp_path / "old.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 1, 8000, 0, "NONE", ""))
        file.writeframes(bytes([0, 128, 255, 192]))
    media, _, sounds = decode(path)
    np.testing.assert_array_equal(all_samples(sounds)[:, 0], [-1, 0, 127 / 128, 0.5])
    assert (media.has_video, media.has_audio, media.complete) == (False, True, True)
    assert media.duration_s == 4 / 8000


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".wav", "pcm_s24le"), (".wav", "pcm_f32le"), (".flac", "flac")]
)
def test_96_khz_surround_keeps_every_channel(write_media, tmp_path, suffix, codec):
    samples = tone(0.5, 96_000, channels=6) * np.linspace(0.5, 1, 6)
    path = write_media(tmp_path / f"wide{suffix}", samples=samples, rate=96_000, audio_codec=codec)
    _, _, sounds = decode(path)
    assert sounds[0].rate == 96_000
    decoded = all_samples(sounds)
    assert decoded.dtype == np.float32
    np.testing.assert_allclose(decoded, samples, atol=2e-4)  # FLAC is written with 16 bits


@pytest.mark.parametrize("suffix", [".m4a", ".mp3", ".ogg", ".mp4"])
def test_priming_and_padding_of_an_encoder_are_cut_off(write_media, tmp_path, suffix):
    rate = 48_000 if suffix == ".ogg" else 44_100
    samples = np.zeros(rate)
    samples[rate // 2 :] = tone(0.5, rate)[:, 0]
    path = write_media(tmp_path / f"sound{suffix}", samples=samples, rate=rate)
    media, _, sounds = decode(path)
    assert sounds[0].time_s == 0
    decoded = all_samples(sounds)[:, 0]
    assert len(decoded) == pytest.approx(rate, abs=rate * 0.002)
    assert np.flatnonzero(np.abs(decoded) > 0.2)[0] / rate == pytest.approx(0.5, abs=0.003)
    assert media.duration_s == pytest.approx(1.0, abs=0.002)


def test_a_cover_picture_is_not_a_film(write_media, tmp_path):
    sound = write_media(tmp_path / "song.mp3", samples=tone(0.5))
    cover = av.VideoFrame.from_ndarray(grey(200), format="rgb24")
    context = av.CodecContext.create("png", "w")
    context.width, context.height, context.pix_fmt = 64, 48, "rgb24"
    context.time_base = Fraction(1, 25)
    png = b"".join(bytes(packet) for packet in [*context.encode(cover), *context.encode(None)])
    picture = b"\x00image/png\x00\x03\x00" + png
    frame = b"APIC" + struct.pack(">I", len(picture)) + b"\x00\x00" + picture
    size = len(frame)
    synchsafe = bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
    data = sound.read_bytes()
    old = 10 + sum(byte << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True))
    covered = tmp_path / "covered.mp3"
    covered.write_bytes(b"ID3\x03\x00\x00" + synchsafe + frame + data[old:])
    with av.open(str(covered)) as container:
        assert len(container.streams.video) == 1  # it is there, as a track
    media, frames, sounds = decode(covered)
    assert (media.has_video, media.has_audio, frames) == (False, True, [])
    assert len(all_samples(sounds)) == pytest.approx(22_050, abs=60)


def test_a_film_without_sound_has_none(write_media, tmp_path):
    path = write_media(tmp_path / "mute.mp4", frames=[grey(9)] * 30)
    media, frames, sounds = decode(path)
    assert (media.has_video, media.has_audio, media.complete, sounds) == (True, False, True, [])
    assert len(frames) == 30
    asked_for_sound, frames, sounds = decode(path, video=False)
    assert frames + sounds == []
    assert (asked_for_sound.has_video, asked_for_sound.has_audio) == (True, False)
    assert asked_for_sound.duration_s == pytest.approx(1.0)


def test_a_film_of_no_declared_length_is_complete(write_media, tmp_path):
    path = tmp_path / "recorded.webm"
    write_media(path, frames=[grey(9)] * 30, container_options={"live": "1"})
    with av.open(str(path)) as container:
        assert container.duration is None
    media, frames, _ = decode(path)
    assert media.complete
    assert len(frames) == 30
    assert media.duration_s == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".avi", ".ts", ".wav", ".flac", ".mp3", ".ogg"])
def test_a_file_that_was_cut_off_gives_what_decodes_and_says_so(write_media, tmp_path, suffix):
    rng = np.random.default_rng(0)
    rate = 48_000 if suffix in (".webm", ".ogg") else 44_100
    options = {}
    if suffix not in (".wav", ".flac", ".mp3", ".ogg"):
        options["frames"] = [rng.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(90)]
    if suffix == ".mp4":
        options["container_options"] = {"movflags": "faststart"}
    path = write_media(tmp_path / f"whole{suffix}", samples=tone(3, rate), rate=rate, **options)
    assert decode(path)[0].complete
    data = path.read_bytes()
    path.write_bytes(data[: round(0.6 * len(data)) - 7])
    media, _, sounds = decode(path)
    assert not media.complete
    assert 0.5 < media.duration_s < 2.7
    assert len(all_samples(sounds)) > 0.3 * rate


def damaged(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / "clip.mp4"
    if kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    elif kind == "noise":
        path.write_bytes(np.random.default_rng(0).bytes(50_000))
    elif kind == "text":
        path = tmp_path / "notes.txt"
        path.write_text("bpm 120, consonance 37\n" * 100)
    elif kind == "playlist":
        path = tmp_path / "list.m3u8"
        path.write_text(
            "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://localhost/a.ts\n#EXT-X-ENDLIST\n"
        )
    elif kind == "subtitles":
        path = tmp_path / "film.srt"
        path.write_text("1\n00:00:01,000 --> 00:00:02,000\nhello\n")
    return path


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("absent", r"there is no file .*clip\.mp4: check the path"),
        ("folder", r"clip\.mp4 is a folder: name the media files in it"),
        ("empty", r"clip\.mp4 is empty \(0 bytes\): export or download it again"),
        ("noise", r"clip\.mp4 is no film or sound file that can be decoded: export it again"),
        ("text", r"notes\.txt holds neither film nor sound: name a media file"),
        ("playlist", r"list\.m3u8 .*: "),
        ("subtitles", r"film\.srt holds neither film nor sound: name a media file"),
    ],
)
def test_what_is_not_media_is_refused_in_one_sentence(tmp_path, kind, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        open_media(damaged(tmp_path, kind))
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(write_media, tmp_path):
    path = write_media(tmp_path / "private.wav", samples=tone(0.1))
    path.chmod(0)
    with pytest.raises(InputError, match="may not be read"):
        open_media(path)


def test_a_moov_atom_cut_off_leaves_nothing_to_decode(write_media, tmp_path):
    path = write_media(tmp_path / "cut.mp4", frames=[grey(9)] * 30, samples=tone(1))
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(InputError, match=r"cut\.mp4 is no film or sound file that can be decoded"):
        open_media(path)


def test_headers_without_content_leave_nothing_to_decode(write_media, tmp_path):
    path = write_media(
        tmp_path / "hollow.mp4", frames=[grey(9)] * 30, container_options={"movflags": "faststart"}
    )
    data = path.read_bytes()
    path.write_bytes(data[: data.find(b"mdat") + 4])
    with pytest.raises(InputError, match=r"nothing in .*hollow\.mp4 can be decoded"):
        open_media(path)


def test_a_damaged_middle_costs_only_itself(write_media, tmp_path):
    path = write_media(tmp_path / "scratched.m4a", samples=np.random.default_rng(0).normal(0, 0.2, 132_300))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = np.random.default_rng(1).bytes(3000)
    path.write_bytes(data)
    media, _, sounds = decode(path)
    assert not media.complete
    assert media.duration_s == pytest.approx(3.0, abs=0.03)
    assert 2 < sum(len(sound.samples) for sound in sounds) / 44_100 < 3


def test_memory_does_not_grow_with_the_film(write_media, tmp_path):
    def peak(n_frames):
        path = tmp_path / f"{n_frames}.mp4"
        write_media(
            path, frames=(grey(k % 250, (300, 250)) for k in range(n_frames)), samples=tone(n_frames / 30)
        )
        tracemalloc.start()
        with open_media(path) as media:
            for _ in media:
                pass
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak_bytes

    assert peak(240) < 1.2 * peak(60) + 1e6  # 240 frames are 54 MB
