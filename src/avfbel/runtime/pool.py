"""Work on many files in several processes, of which one may die without the work of the others."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from typing import Any, Generic, NamedTuple, TypeVar

from avfbel.errors import UsageError

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")


class Done(NamedTuple, Generic[T, R]):
    """A task and its result; None if the process that worked on it died."""

    task: T
    result: R | None


def map_tasks(
    work: Callable[[S, T], R],
    tasks: Sequence[T],
    *,
    jobs: int | None = None,
    setup: Callable[..., S],
    setup_args: tuple[Any, ...] = (),
    on_stop: Callable[[list[int]], None] | None = None,
) -> Iterator[Done[T, R]]:
    """Yield each task with its result, in the order in which they are done.

    Parameters
    ----------
    work : callable
        What to do with what `setup` gave and a task; it must not raise. Like the tasks and results, it has to
        be picklable.
    tasks : sequence
        The tasks.
    jobs : int, optional
        Number of processes, at least 1; by default one a core. With one process or one task, the work is done
        here.
    setup : callable
        Called with `setup_args` once in every process before its first task; makes what the work needs.
    on_stop : callable, optional
        Called with the ids of the processes that were ended in the middle of their work, if it is broken off.

    Raises
    ------
    UsageError
        If `jobs` is below 1: before any work.
    """
    if jobs is not None and jobs < 1:
        raise UsageError(f"the number of jobs must be at least 1, got {jobs}")
    jobs = min(jobs or os.cpu_count() or 1, len(tasks))
    if jobs <= 1:
        tools = setup(*setup_args)
        for task in tasks:
            yield Done(task, work(tools, task))
        return
    left = deque(tasks)
    while left:
        suspects: list[T] = []
        yield from _until_one_dies(work, left, suspects, jobs, (setup, setup_args), on_stop)
        for task in suspects:  # each alone: the one that kills its process is told from those beside it
            alone: list[T] = []
            yield from _until_one_dies(work, deque([task]), alone, 1, (setup, setup_args), on_stop)
            for killer in alone:
                yield Done(killer, None)


def _until_one_dies(
    work: Callable[[S, T], R],
    left: deque[T],
    suspects: list[T],
    jobs: int,
    making: tuple[Callable[..., S], tuple[Any, ...]],
    on_stop: Callable[[list[int]], None] | None,
) -> Iterator[Done[T, R]]:
    """Work through `left`; if a process dies, stop and put what was being worked on into `suspects`."""
    others = set(multiprocessing.active_children())
    running: dict[Future[R], T] = {}
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_begin, initargs=making) as pool:
        try:
            while (left or running) and not suspects:
                while left and len(running) < jobs:
                    running[pool.submit(_work_here, work, left[0])] = left[0]
                    left.popleft()
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    task = running.pop(future)
                    if isinstance(future.exception(), BrokenProcessPool):
                        suspects.append(task)
                    else:
                        yield Done(task, future.result())
        except BrokenProcessPool:  # died between two tasks
            pass
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            ended = _end([process for process in multiprocessing.active_children() if process not in others])
            if on_stop is not None:
                on_stop(ended)
            raise
        suspects.extend(running.values())


_tools: Any = None  # what the work in this process needs, where the process is one of a pool


def _begin(setup: Callable[..., S], setup_args: tuple[Any, ...]) -> None:
    global _tools
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-c reaches the parent, which ends its children
    _tools = setup(*setup_args)


def _work_here(work: Callable[[S, T], R], task: T) -> R:
    return work(_tools, task)


def _end(processes: list[BaseProcess]) -> list[int]:
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(5)
    return [process.pid for process in processes if process.pid is not None]
