"""The two ways in which a request can be at fault, told apart by the exit code they deserve."""


class AvfbelError(Exception):
    """Base of every error that avfbel raises on purpose: one sentence that names the fault and the remedy."""


class InputError(AvfbelError, ValueError):
    """An input cannot be used: a file that does not decode, a bundle that was tampered with (exit code 1)."""


class UsageError(AvfbelError, ValueError):
    """The request itself is wrong: parameters out of range, a faulty manifest (exit code 2)."""
