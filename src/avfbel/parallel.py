"""Work on many things in several processes, of which one may die without the work of the others."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any, Generic, NamedTuple, TypeVar

from avfbel.errors import UsageError

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")


class Done(NamedTuple, Generic[T, R]):
    """A task and its result; None if the process that worked on it died."""

    task: T
    result: R | None


def cores() -> int:
    """Return the number of cores that this process may use.

    Examples
    --------
    >>> cores() >= 1
    True
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_tasks(
    work: Callable[[S, T], R],
    tasks: Sequence[T],
    *,
    jobs: int | None = None,
    setup: Callable[..., S],
    setup_args: tuple[Any, ...] = (),
    finish_begun: bool = False,
    on_stop: Callable[[list[int]], None] | None = None,
) -> Iterator[Done[T, R]]:
    """Yield each task with its result, in the order in which they are done.

    Processes do not run the caller's script again, which needs no guard, and never see ctrl-c: it reaches
    this process, which ends them. Each computes with one thread.

    Parameters
    ----------
    work : callable
        What to do with what `setup` gave and a task. Like the tasks and results, it has to be picklable. What
        it raises is raised here, and breaks the work off.
    tasks : sequence
        The tasks.
    jobs : int, optional
        Number of processes, at least 1; by default one a core. With one process or one task, the work is done
        here.
    setup : callable
        Called with `setup_args` once in every process before its first task; makes what the work needs.
    setup_args : tuple
        Its arguments.
    finish_begun : bool
        Whether tasks that are begun are finished before the work is broken off; otherwise their processes are
        ended in the middle of them.
    on_stop : callable, optional
        Called with the ids of the processes that were ended in the middle of their work, if it is broken off.

    Raises
    ------
    UsageError
        If `jobs` is below 1: before any work.
    """
    if jobs is not None and jobs < 1:
        raise UsageError(f"the number of jobs must be at least 1, got {jobs}")
    jobs = min(jobs or cores(), len(tasks))
    if jobs <= 1:
        tools = setup(*setup_args)
        for task in tasks:
            yield Done(task, work(tools, task))
        return
    crew = _Crew(work, setup, setup_args, finish_begun, on_stop)
    left = deque(tasks)
    while left:
        suspects: list[T] = []
        yield from _until_one_dies(crew, left, suspects, jobs)
        for task in suspects:  # each alone: the one that kills its process is told from those beside it
            alone: list[T] = []
            yield from _until_one_dies(crew, deque([task]), alone, 1)
            for killer in alone:
                yield Done(killer, None)


class _Crew(NamedTuple, Generic[S, T, R]):
    """What processes do, and how they end."""

    work: Callable[[S, T], R]
    setup: Callable[..., S]
    setup_args: tuple[Any, ...]
    finish_begun: bool
    on_stop: Callable[[list[int]], None] | None


def _until_one_dies(
    crew: _Crew[S, T, R], left: deque[T], suspects: list[T], jobs: int
) -> Iterator[Done[T, R]]:
    """Work through `left`; if a process dies, stop and put what was being worked on into `suspects`."""
    others = set(multiprocessing.active_children())
    running: dict[Future[R], T] = {}

    def hand_out() -> None:
        """Give every process one task, so that little is in hand when one dies or the work is broken off."""
        while left and len(running) < jobs:
            running[pool.submit(_work_here, crew.work, left[0])] = left[0]
            left.popleft()

    making = (crew.setup, crew.setup_args)
    with ProcessPoolExecutor(jobs, mp_context=_Context(), initializer=_begin, initargs=making) as pool:
        try:
            hand_out()
            while running and not suspects:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    task = running.pop(future)
                    if isinstance(future.exception(), BrokenProcessPool):
                        suspects.append(task)
                    else:
                        yield Done(task, future.result())
                if not suspects:
                    hand_out()
        except BrokenProcessPool:  # died between two tasks
            pass
        except BaseException:
            if not crew.finish_begun:
                pool.shutdown(wait=False, cancel_futures=True)
                ended = _end(
                    [process for process in multiprocessing.active_children() if process not in others]
                )
                if crew.on_stop is not None:
                    crew.on_stop(ended)
            raise
        suspects.extend(running.values())


class _Process(SpawnProcess):
    """A process that ignores ctrl-c and does not run the caller's script."""

    def start(self) -> None:
        with interrupts_ignored(), _script_hidden():
            super().start()


class _Context(SpawnContext):
    """Starts such processes. joblib's do the same, but hang where one dies and the system has no pgrep."""

    Process = _Process


_tools: Any = None  # what the work in this process needs, where the process is one of a pool


def _begin(setup: Callable[..., S], setup_args: tuple[Any, ...]) -> None:
    from threadpoolctl import threadpool_limits

    global _tools
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # also where processes inherit nothing
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    _tools = setup(*setup_args)
    threadpool_limits(1)  # a process a core: more threads than that only wait for each other


def _end_with(parent: int) -> None:
    """End this process soon after the one that started it has ended, however that came about."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _work_here(work: Callable[[S, T], R], task: T) -> R:
    return work(_tools, task)


def _end(processes: list[BaseProcess]) -> list[int]:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + 5
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
        # the pool's own thread joins too: if it came first, a moment passes until it notes the exit code
        while process.exitcode is None and time.monotonic() < deadline:
            time.sleep(0.01)
    return [process.pid for process in processes if process.pid is not None]


@contextmanager
def interrupts_ignored() -> Iterator[None]:
    """Let processes that are started now ignore ctrl-c for good: it ends this one, which ends them.

    For the moment that starting takes, this one ignores it too: nothing else is inherited.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)


@contextmanager
def _script_hidden() -> Iterator[None]:
    """Let multiprocessing find no main script that a process would have to run before its work."""
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script
