"""Signs, in the bytes of a file, that it was cut off: what the decoder does not tell."""

from __future__ import annotations

from pathlib import Path

# Formats whose header states a length; elsewhere FFmpeg guesses it from the bit rate or the last packet.
_LENGTH_STATED = {"mov", "matroska", "avi", "wav", "flac", "asf", "flv", "aiff", "caf", "w64"}
_UNKNOWN_SIZE = 0x7FFF0000  # a RIFF file written to a pipe holds a size at or above this
_TS_PACKET, _TS_SYNC = 188, 0x47


def states_its_length(path: Path, format_name: str) -> bool:
    """Return whether the declared length of the file is one that its writer measured, rather than a guess."""
    if format_name == "mp3":
        return _mp3_has_index(path)
    return bool(set(format_name.split(",")) & _LENGTH_STATED)


def ends_early(path: Path) -> bool:
    """Return whether the file is shorter than its first bytes say, or lacks its last page.

    Of RIFF files (WAV, AVI) the size in the header counts, of Ogg files the mark on the last page, of MPEG
    transport streams that packets are whole. For any other format the answer is False.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(2 * _TS_PACKET)
        if head[:4] == b"RIFF" and len(head) >= 12:
            declared = int.from_bytes(head[4:8], "little")
            return 0 < declared < _UNKNOWN_SIZE and declared + 8 > size + 1  # 1: some leave the pad byte out
        if head[:4] == b"OggS":
            file.seek(max(0, size - 2**17))
            tail = file.read()
            page = tail.rfind(b"OggS")
            return page >= 0 and len(tail) > page + 5 and not tail[page + 5] & 4
        if len(head) == 2 * _TS_PACKET and head[0] == head[_TS_PACKET] == _TS_SYNC:
            return size % _TS_PACKET != 0
    return False


def _mp3_has_index(path: Path) -> bool:
    """Return whether the first frame after the ID3 tag holds a Xing, Info or VBRI header."""
    with path.open("rb") as file:
        head = file.read(10)
        if head[:3] == b"ID3" and len(head) == 10:
            tag_size = 0
            for byte in head[6:10]:  # seven bits a byte
                tag_size = tag_size << 7 | byte & 0x7F
            file.seek(10 + tag_size)
        else:
            file.seek(0)
        first = file.read(2048)
    return any(mark in first for mark in (b"Xing", b"Info", b"VBRI"))
