"""What every command shares: exit codes, one-sentence errors, progress on stderr."""

from __future__ import annotations

import functools
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, ParamSpec

import typer

from avfbel.errors import InputError, UsageError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

DONE, SOME_FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
P = ParamSpec("P")


def say(sentence: str) -> None:
    """Print one line on stderr, where notes, warnings and errors go."""
    typer.echo(sentence, err=True)


def fail(sentence: str, code: int) -> NoReturn:
    """End the command with one sentence and an exit code."""
    say(f"avfbel: {sentence}")
    raise typer.Exit(code)


def debugging() -> bool:
    """Tell whether `--debug` asked for tracebacks."""
    return os.environ.get("AVFBEL_DEBUG", "") not in ("", "0")


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Turn the errors that users can mend into one sentence and the documented exit code."""

    @functools.wraps(command)
    def guard(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except KeyboardInterrupt:
            fail("interrupted; what was finished is whole and stays", INTERRUPTED)
        except UsageError as error:
            _explain(error, WRONG_USAGE)
        except (InputError, OSError, ImportError) as error:
            _explain(error, SOME_FAILED)

    return guard


def _explain(error: BaseException, code: int) -> NoReturn:
    if debugging():
        traceback.print_exc()
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        fail(f"{where}{error.strerror.lower()}", code)
    fail(str(error), code)


@contextmanager
def progress_bar(title: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on stderr when it is a terminal; yields a function that advances it by n steps."""
    with _bars() as bars:
        task = bars.add_task(title, total=total)
        yield lambda steps: bars.advance(task, steps)


@contextmanager
def progress_stages() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar a stage on stderr when it is a terminal; yields a function of stage, steps done, and all."""
    with _bars() as bars:
        tasks: dict[str, TaskID] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield tell


@contextmanager
def warnings_as_notes() -> Iterator[None]:
    """Say warnings that are meant for the user in one line each, without the place in the code."""

    def note(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        if category is UserWarning:
            say(f"note: {message}")

    with warnings.catch_warnings():
        warnings.showwarning = note
        yield


def _bars() -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),  # results that go to a file or a pipe are not to land on stderr
    )
