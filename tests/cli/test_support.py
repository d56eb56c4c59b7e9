"""Progress without a terminal: a line now and then, never on stdout."""

from __future__ import annotations

import pytest

from avfbel import cli
from avfbel.cli import support


def test_a_log_gets_a_line_whenever_it_is_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter(range(0, 1000, 20))
    monkeypatch.setattr(support.time, "monotonic", lambda: float(next(clock)))
    with support.progress_bar("making clips", 40) as advance:
        for _ in range(3):
            advance(10)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "making clips: 20 of 40\n"


def test_a_quick_command_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with support.progress_stages() as tell:
        tell("measuring", 1, 2)
        tell("measuring", 2, 2)
    assert capsys.readouterr() == ("", "")


def test_ctrl_c_while_the_commands_are_loaded_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "import_module", interrupted)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == support.INTERRUPTED
    assert capsys.readouterr() == ("", "avfbel: interrupted before it began\n")
