"""Names that are resolved on first use are those that type checkers see, from the same modules."""

import ast
import inspect
import sys
from importlib import import_module
from types import ModuleType

import pytest

from avfbel.lazy import on_first_use

ROOMS = ("", ".brain", ".data", ".interpret", ".learn", ".runtime", ".senses", ".stimulus")


def typed_homes(package: ModuleType) -> dict[str, str]:
    """Return the module of each name that is imported for type checkers alone."""
    for node in ast.parse(inspect.getsource(package)).body:
        if isinstance(node, ast.If):
            imports = [of for of in node.body if isinstance(of, ast.ImportFrom)]
            return {alias.name: str(of.module) for of in imports for alias in of.names}
    return {}


@pytest.mark.parametrize("room", ROOMS)
def test_type_checkers_see_what_is_resolved(room: str) -> None:
    package = import_module(f"avfbel{room}")
    homes = package._NUMPY | package._TORCH if room == ".brain" else package._HOME
    resolved = {name: f"{package.__name__}.{home}" for name, home in homes.items()}
    assert resolved == typed_homes(package)
    assert set(package.__all__) - {"__version__"} == set(resolved)
    assert dir(package) == sorted(package.__all__)


@pytest.mark.parametrize("room", [room for room in ROOMS if room != ".brain"])
def test_every_name_is_there_and_no_other(room: str) -> None:
    package = import_module(f"avfbel{room}")
    for name in dir(package):
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'Cerebellum'"):
        _ = package.Cerebellum


def test_a_home_is_imported_on_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "wsgiref.headers", raising=False)
    resolve, names = on_first_use("wsgiref", {"Headers": "headers", "Nothing": "no_such_module"})
    assert names() == ["Headers", "Nothing"]
    assert "wsgiref.headers" not in sys.modules
    assert resolve("Headers") is sys.modules["wsgiref.headers"].Headers
    with pytest.raises(ModuleNotFoundError, match=r"wsgiref\.no_such_module"):
        resolve("Nothing")
