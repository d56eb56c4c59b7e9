"""What every command shares: exit codes, one-sentence errors, progress on stderr."""

from __future__ import annotations

import functools
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, ParamSpec

import typer

from avfbel.errors import InputError, UsageError, system_sentence

if TYPE_CHECKING:
    from pathlib import Path

    from rich.progress import Progress, TaskID

DONE, SOME_FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
REPORT_EVERY_S = 30.0
"""How often a long command that does not write to a terminal says how far it is."""

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
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise  # how commands end
        except Exception as error:  # whatever it is, users are not to meet a traceback
            _explain(error, SOME_FAILED)

    return guard


def _explain(error: Exception, code: int) -> NoReturn:
    say_trace(traceback.format_exc())
    if isinstance(error, OSError) and error.strerror:
        fail(system_sentence(error), code)
    if isinstance(error, InputError | UsageError | OSError | ImportError):
        fail(str(error), code)
    if isinstance(error, MemoryError):
        fail("there is not enough memory for this: close other programs, or try it with --jobs 1", code)
    fail(
        f"a fault of avfbel ({type(error).__name__}: {error}): "
        "please report it, with what `avfbel --debug` shows",
        code,
    )


def say_trace(trace: str) -> None:
    """Print the traceback of an error on stderr, if `--debug` asked for it and there is one."""
    if trace and debugging():
        say(trace.rstrip())


@contextmanager
def writing_to(place: Path) -> Iterator[None]:
    """Let an error of the operating system that names no file name the place that is written to."""
    try:
        yield
    except OSError as error:
        if error.errno and error.filename is None:
            error.filename = str(place)
        raise


@contextmanager
def progress_bar(title: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show on stderr how far one stage is; yields a function that advances it by n steps."""
    with progress_stages() as tell:
        done = 0

        def advance(steps: int) -> None:
            nonlocal done
            done += steps
            tell(title, done, total or 0)

        yield advance


@contextmanager
def progress_stages() -> Iterator[Callable[[str, int, int], None]]:
    """Show on stderr how far each stage is; yields a function of stage, steps done, and all (0: unknown).

    A terminal gets bars, a file or a pipe a line every `REPORT_EVERY_S`.
    """
    if not sys.stderr.isatty():
        yield _reporter()
        return
    with _bars() as bars:
        tasks: dict[str, TaskID] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total or None)
            bars.update(tasks[stage], completed=done, total=total or None)

        yield tell


def _reporter() -> Callable[[str, int, int], None]:
    said = time.monotonic()

    def tell(stage: str, done: int, total: int) -> None:
        nonlocal said
        if time.monotonic() - said >= REPORT_EVERY_S:
            said = time.monotonic()
            say(f"{stage}: {done} of {total}" if total else f"{stage}: {done}")

    return tell


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

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),  # results that go to a file or a pipe are not to land on stderr
    )
