from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

from avfbel.data.workers import work_in_processes
from avfbel.errors import InputError

# Work is defined inside the tests: it travels to the processes as it is, wherever pytest found this file.


def test_results_come_in_order_or_as_they_are_done() -> None:
    def slow_first(number: int) -> int:
        import time

        time.sleep(0.5 if number == 0 else 0.0)
        return number * number

    tasks = [(k,) for k in range(6)]
    assert list(work_in_processes(slow_first, tasks, jobs=2, in_order=True)) == [0, 1, 4, 9, 16, 25]
    as_done = list(work_in_processes(slow_first, tasks, jobs=2, in_order=False))
    assert sorted(as_done) == [0, 1, 4, 9, 16, 25]
    assert as_done[0] != 0


def test_a_large_array_is_shared_not_sent() -> None:
    def kind(array: np.ndarray) -> tuple[str, float]:
        return type(array).__name__, float(array[-1])

    array = np.arange(300_000.0)
    for found in work_in_processes(kind, [(array,)] * 3, jobs=2, in_order=True):
        assert found == ("memmap", 299_999.0)


def test_what_is_raised_in_a_process_is_raised_here() -> None:
    def fail(sentence: str) -> None:
        raise InputError(sentence)

    with pytest.raises(InputError, match="this film is no film"):
        list(work_in_processes(fail, [("this film is no film",)] * 2, jobs=2, in_order=True))


@pytest.mark.parametrize("in_order", [True, False])
def test_a_process_that_is_ended_is_one_sentence_and_the_next_run_works(in_order: bool) -> None:
    def die(number: int) -> int:
        if number == 2:
            os._exit(9)
        return number

    with pytest.raises(InputError, match=r"ended from outside .* try again with fewer processes than 2"):
        list(work_in_processes(die, [(k,) for k in range(4)], jobs=2, in_order=in_order))
    assert list(work_in_processes(die, [(5,), (6,)], jobs=2, in_order=True)) == [5, 6]


def test_the_processes_ignore_ctrl_c_and_this_one_does_not() -> None:
    def handler(_: int) -> bool:
        return signal.getsignal(signal.SIGINT) is signal.SIG_IGN

    before = signal.getsignal(signal.SIGINT)
    # Three processes: joblib keeps those of earlier tests, another number starts anew.
    assert all(work_in_processes(handler, [(k,) for k in range(3)], jobs=3, in_order=True))
    assert signal.getsignal(signal.SIGINT) is before is not signal.SIG_IGN


def test_it_works_in_a_thread() -> None:
    results: list[int] = []
    work = threading.Thread(
        target=lambda: results.extend(work_in_processes(abs, [(-1,), (-2,)], jobs=2, in_order=True))
    )
    work.start()
    work.join(60)
    assert results == [1, 2]
