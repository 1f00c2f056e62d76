"""A real worker and a real beat beside the application; what they leave in the database is what counts."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest

from app import settings, work

from .conftest import ROOT, Running, migrate

WORKER = ("worker", "--concurrency=1", "--without-gossip", "--without-mingle", "--without-heartbeat")
type Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def queue(environment: dict[str, str]) -> dict[str, str]:
    """The settings of one colour, with a queue of this test's own."""
    done = migrate(environment)
    assert done.returncode == 0, done.stderr
    return {**environment, "QUEUE": f"jobs-{uuid4().hex}", "BEAT_SECONDS": "1"}


@pytest.fixture
def celery(queue: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "celery", "-A", "app.worker", *words]
        with (tmp_path / f"celery{len(started)}").open("w") as log:
            one = subprocess.Popen(command, cwd=ROOT, env=queue, stdout=log, stderr=subprocess.STDOUT)  # noqa: S603
        started.append(one)
        return one

    yield start
    for one in started:
        one.send_signal(signal.SIGTERM)
    for one in started:
        one.wait(20)


def until(what: str, condition: Callable[[], bool], seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.05)


def test_jobs_are_each_done_once_though_their_worker_is_replaced(
    queue: dict[str, str], running: Callable[..., Running], celery: Start
) -> None:
    api = running(QUEUE=queue["QUEUE"])
    api.await_status("/health", 200)

    def enqueue(prefix: str, count: int, milliseconds: int) -> None:
        body = {"prefix": prefix, "count": count, "milliseconds": milliseconds}
        assert httpx.post(f"{api.url}/jobs", json=body, timeout=30).status_code == 202

    def counts(prefix: str) -> dict[str, int]:
        return httpx.get(f"{api.url}/jobs", params={"prefix": prefix}).json()

    enqueue("before", 20, 10)
    assert counts("before") == {"done": 0, "repeated": 0}
    first = celery(*WORKER)
    until("the jobs from before the worker", lambda: counts("before")["done"] == 20)

    enqueue("long", 4, 700)
    until("one of them", lambda: counts("long")["done"] >= 1)
    first.send_signal(signal.SIGTERM)
    assert first.wait(20) == 0
    left = counts("long")["done"]
    assert left < 4
    celery(*WORKER)
    until("the rest", lambda: counts("long")["done"] == 4)
    assert counts("") == {"done": 24, "repeated": 0}


def test_a_job_that_was_given_to_its_process_just_before_the_stop_is_done_once(
    queue: dict[str, str], connect: Callable[[], psycopg.Connection], celery: Start, tmp_path: Path
) -> None:
    jobs = work.CeleryQueue(settings.load(queue))
    connection = connect()

    def runs() -> dict[str, int]:
        return dict(connection.execute("SELECT job_id, runs FROM jobs").fetchall())

    first = celery(*WORKER, "--loglevel=info")
    log = tmp_path / "celery0"
    until("the worker", lambda: " ready." in log.read_text())
    (process,) = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()
    os.kill(int(process), signal.SIGSTOP)  # so that it cannot say that it began
    jobs.enqueue(["given"], 0)
    until("the job", lambda: " received" in log.read_text())
    time.sleep(0.5)  # the worker hands it on in its next turn
    first.send_signal(signal.SIGTERM)
    time.sleep(1)
    os.kill(int(process), signal.SIGCONT)
    assert first.wait(20) == 0
    assert runs() == {"given": 1}
    celery(*WORKER)
    jobs.enqueue(["after"], 0)
    until("the next job", lambda: "after" in runs())
    assert runs() == {"given": 1, "after": 1}


def test_a_beat_goes_on_where_the_one_before_it_was(
    connect: Callable[[], psycopg.Connection], celery: Start, tmp_path: Path
) -> None:
    beat = ("beat", "--schedule", str(tmp_path / "schedule"))
    connection = connect()

    def ticks() -> list[float]:
        rows = connection.execute("SELECT extract(epoch FROM at) FROM ticks WHERE asked_color = 'green' ORDER BY at")
        return [float(at) for (at,) in rows]

    celery(*WORKER)
    first = celery(*beat)
    until("three ticks", lambda: len(ticks()) >= 3)
    first.send_signal(signal.SIGTERM)
    assert first.wait(20) == 0
    before = len(ticks())
    celery(*beat)
    until("three more", lambda: len(ticks()) >= before + 3)
    gaps = [later - earlier for earlier, later in zip(ticks(), ticks()[1:], strict=False)]
    assert min(gaps) > 0.5, gaps
