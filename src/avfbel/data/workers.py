"""Work on many things in several processes that need no guard in the caller's script."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from avfbel.errors import InputError
from avfbel.parallel import interrupts_ignored

R = TypeVar("R")


def work_in_processes(
    work: Callable[..., R], tasks: Sequence[tuple[Any, ...]], *, jobs: int, in_order: bool
) -> Iterator[R]:
    """Yield ``work(*task)`` of each task, as they are done or in their order.

    joblib's workers, unlike those of multiprocessing, do not run the caller's script again, and large arrays,
    wherever they are in the tasks, lie once in memory for all of them.

    Parameters
    ----------
    work : callable
        Picklable, as are tasks and results.
    tasks : sequence of tuple
        Arguments of each call.
    jobs : int
        Number of processes.
    in_order : bool
        Whether a result waits for those of earlier tasks.

    Yields
    ------
    object
        Results.

    Raises
    ------
    InputError
        If a process was ended from outside.
    """
    import joblib
    from joblib.externals.loky.process_executor import BrokenProcessPool

    kind = "generator" if in_order else "generator_unordered"
    parallel = joblib.Parallel(n_jobs=jobs, return_as=kind, batch_size=1)
    try:
        with interrupts_ignored():
            results = parallel(joblib.delayed(work)(*task) for task in tasks)
        yield from results
    except BrokenProcessPool as error:
        raise InputError(
            "a process was ended from outside in the middle of its work, as happens when memory runs out: "
            f"try again with fewer processes than {jobs} (--jobs)"
        ) from error
