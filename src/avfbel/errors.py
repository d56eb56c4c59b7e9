"""The two ways in which a request can be at fault, told apart by the exit code they deserve."""

from __future__ import annotations

import errno
import os


class AvfbelError(Exception):
    """Base of every error that avfbel raises on purpose: one sentence that names the fault and the remedy."""


class InputError(AvfbelError, ValueError):
    """An input cannot be used: a file that does not decode, a bundle that was tampered with (exit code 1)."""


class UsageError(AvfbelError, ValueError):
    """The request itself is wrong: parameters out of range, a faulty manifest (exit code 2)."""


_REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EFBIG, errno.EDQUOT), "free some space, or write to another folder"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "allow it, or choose another folder"),
    **dict.fromkeys((errno.ENOTDIR, errno.EISDIR, errno.EEXIST), "choose another name or folder"),
    errno.ENOENT: "check the path",
}


def system_sentence(error: OSError) -> str:
    """Return one sentence about what the operating system refused: which file, what is wrong, what to do.

    Examples
    --------
    >>> system_sentence(OSError(errno.ENOSPC, "No space left on device", "film.mp4"))
    'film.mp4: no space left on device: free some space, or write to another folder'
    """
    name = error.filename
    where = (
        os.fsencode(name).decode("utf-8", "replace") if isinstance(name, str | bytes | os.PathLike) else ""
    )
    remedy = _REMEDIES.get(error.errno or 0, "")
    return ": ".join(part for part in (where, (error.strerror or str(error)).lower(), remedy) if part)
