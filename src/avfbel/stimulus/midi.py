"""Standard MIDI files: one track, one piano, the notes of a score."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from avfbel.stimulus.score import Score

TICKS_PER_BEAT = 9600  # at most 0.21 ms a tick, at 30 bpm


def midi_bytes(score: Score) -> bytes:
    """Encode a score as a standard MIDI file of format 0.

    The tempo is that of the score, so that beats are the grid of the melody. No program is chosen: a
    General MIDI synthesiser then plays the acoustic piano.

    Parameters
    ----------
    score : Score

    Returns
    -------
    bytes

    References
    ----------
    .. [1] MIDI Manufacturers Association (1996), *Standard MIDI Files 1.0*.

    Examples
    --------
    >>> from avfbel.stimulus import compose, named
    >>> midi_bytes(compose(named("happy"), seed=7))[:4]
    b'MThd'
    """
    tempo = round(60_000_000 / score.parameters.bpm)  # microseconds a beat

    def tick(time_s: float) -> int:
        return round(time_s * 1e6 / tempo * TICKS_PER_BEAT)

    events = [(0, b"\xff\x51\x03" + tempo.to_bytes(3, "big"))]
    for note in score.notes:
        start = tick(note.onset_s)
        events.append((start, bytes((0x90, note.pitch, note.velocity))))
        events.append((max(start + 1, tick(note.onset_s + note.duration_s)), bytes((0x80, note.pitch, 64))))
    end = max(events[-1][0], tick(score.length_s))
    track = _track([*events, (end, b"\xff\x2f\x00")])
    header = b"MThd" + (6).to_bytes(4, "big") + b"\x00\x00\x00\x01" + TICKS_PER_BEAT.to_bytes(2, "big")
    return header + b"MTrk" + len(track).to_bytes(4, "big") + track


def write_midi(score: Score, path: str | Path) -> None:
    """Write a score as a standard MIDI file.

    Parameters
    ----------
    score : Score
    path : str or Path
        An existing file is overwritten.
    """
    Path(path).write_bytes(midi_bytes(score))


def _track(events: Iterable[tuple[int, bytes]]) -> bytes:
    """Join events, given by their ticks in rising order, into the body of a track."""
    body, now = b"", 0
    for tick, event in events:
        body += _variable_length(tick - now) + event
        now = tick
    return body


def _variable_length(number: int) -> bytes:
    """Encode a number in groups of seven bits, highest first, all but the last with the top bit set."""
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(number & 0x7F | 0x80)
    return bytes(reversed(groups))
