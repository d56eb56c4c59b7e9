"""Work in processes: each task done once, a dead process costs its own task, an interruption ends all."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from avfbel.errors import UsageError
from avfbel.parallel import Done, map_tasks


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """A module that other processes can import."""
    (tmp_path / "pool_worker.py").write_text(
        textwrap.dedent("""
            import os, signal, time
            def set_up(factor):
                return factor
            def work(factor, task):
                if task == "die":
                    os.kill(os.getpid(), signal.SIGKILL)
                if task == "sleep":
                    time.sleep(60)
                if task == "interrupt":
                    os.kill(os.getpid(), signal.SIGINT)
                    return task
                if str(task).startswith("touch"):
                    time.sleep(1)
                    open(task.split()[1], "w").close()
                return task * factor if factor else task
        """)
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    import pool_worker

    yield pool_worker
    sys.modules.pop("pool_worker")


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_task_is_done_once(worker: object, jobs: int) -> None:
    done = map_tasks(worker.work, [1, 2, 3, 4, 5], jobs=jobs, setup=worker.set_up, setup_args=(10,))
    assert sorted(done) == [Done(k, 10 * k) for k in (1, 2, 3, 4, 5)]


def test_two_runs_at_once_do_not_mix(worker: object) -> None:
    doubled = map_tasks(worker.work, [1, 2], jobs=1, setup=worker.set_up, setup_args=(2,))
    tripled = map_tasks(worker.work, [1, 2], jobs=1, setup=worker.set_up, setup_args=(3,))
    assert list(zip(doubled, tripled, strict=True)) == [(Done(k, 2 * k), Done(k, 3 * k)) for k in (1, 2)]


def test_a_number_of_processes_below_one_is_refused(worker: object) -> None:
    with pytest.raises(UsageError, match="number of jobs must be at least 1, got -1"):
        next(map_tasks(worker.work, [1], jobs=-1, setup=worker.set_up, setup_args=(1,)))


def test_no_tasks_need_no_process(worker: object) -> None:
    assert list(map_tasks(worker.work, [], jobs=4, setup=worker.set_up, setup_args=(1,))) == []


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_process_that_dies_costs_its_own_task(worker: object) -> None:
    tasks = ["a", "die", "b", "c", "d"]
    done = dict(map_tasks(worker.work, tasks, jobs=2, setup=worker.set_up, setup_args=(2,)))
    assert done == {"a": "aa", "die": None, "b": "bb", "c": "cc", "d": "dd"}


def test_breaking_off_ends_the_processes(worker: object) -> None:
    ended: list[int] = []
    running = map_tasks(
        worker.work,
        ["a", "sleep", "sleep"],
        jobs=2,
        setup=worker.set_up,
        setup_args=(1,),
        on_stop=ended.extend,
    )
    assert next(running) == Done("a", "a")
    with pytest.raises(KeyboardInterrupt):
        running.throw(KeyboardInterrupt)
    assert len(ended) == 2
    assert not {child.pid for child in multiprocessing.active_children()} & set(ended)
    assert os.getpid() not in ended


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
def test_a_script_needs_no_guard_and_its_processes_ignore_ctrl_c(worker: object, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "print('run')\n"
        "import pool_worker, sys\n"
        "from avfbel.parallel import map_tasks\n"
        "done = map_tasks(pool_worker.work, ['a', 'interrupt', 'b'], jobs=2, setup=str)\n"
        "print(sorted(d.result for d in done), sys.modules['__main__'].__file__ == __file__)\n"
    )
    script = [sys.executable, str(tmp_path / "script.py")]
    done = subprocess.run(script, capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("run\n['a', 'b', 'interrupt'] True\n", "")


def test_what_is_begun_is_finished_if_it_is_asked_for(worker: object, tmp_path: Path) -> None:
    tasks = ["a", f"touch {tmp_path / 'one'}", f"touch {tmp_path / 'two'}", "sleep"]
    running = map_tasks(worker.work, tasks, jobs=2, setup=worker.set_up, setup_args=(1,), finish_begun=True)
    assert next(running) == Done("a", "a")
    with pytest.raises(KeyboardInterrupt):
        running.throw(KeyboardInterrupt)
    assert (tmp_path / "one").exists()
