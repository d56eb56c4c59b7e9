"""Names of a package that are resolved on first use, so that importing the package costs next to nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def on_first_use(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The ``__getattr__`` and ``__dir__`` of a package whose names live in its modules (PEP 562).

    Parameters
    ----------
    package : str
        The package: its ``__name__``.
    homes : mapping of str to str
        The module that holds each public name, told from the package: ``"norms"``, ``"learn.cortex"``.

    Returns
    -------
    getattr_ : callable
        Imports the module of a name and takes the name from it; raises AttributeError for any other name.
    dir_ : callable
        Lists the names, sorted.
    """

    def getattr_(name: str) -> Any:
        if name in homes:
            return getattr(import_module(f"{package}.{homes[name]}"), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def dir_() -> list[str]:
        return sorted(homes)

    return getattr_, dir_
