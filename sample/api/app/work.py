"""Jobs: the API enqueues them, the worker does them, beat enqueues those that are due; one Celery application for all.

A job is done at least once: it is acknowledged when it is done, so a worker that is killed loses none, and the job it
was at runs again after VISIBILITY_SECONDS. What a job writes therefore has the job's id as its key; a second run shows
in `runs`.
"""

import time
from collections.abc import Callable, Iterable
from functools import cache as once
from typing import Any, Protocol
from urllib.parse import quote

import psycopg
from celery import Celery, Task, bootsteps
from kombu.exceptions import OperationalError
from psycopg_pool import ConnectionPool

from app.settings import Settings

# Redis hands out again what nobody has acknowledged for so long: longer than a job takes.
VISIBILITY_SECONDS = 300
RETRY_SECONDS = 2

QueueGone = OperationalError


class Queue(Protocol):
    """The part of it that the API uses, so that a test can stand in for it."""

    def enqueue(self, job_ids: Iterable[str], milliseconds: int) -> None: ...


type QueueFactory = Callable[[], Queue]


class CeleryQueue:
    """The API's side: enqueues to the queue of its own colour."""

    def __init__(self, chosen: Settings) -> None:
        self.celery = make_celery(chosen)

    def enqueue(self, job_ids: Iterable[str], milliseconds: int) -> None:
        """Raises QueueGone when Redis does not answer; what came before is enqueued then."""
        identity = {"color": self.celery.conf.color, "release": self.celery.conf.release}
        with self.celery.producer_or_acquire() as producer:
            for job_id in job_ids:
                self.celery.send_task("work", (job_id, milliseconds), identity, producer=producer)


def make_celery(chosen: Settings) -> Celery:
    """The tasks with their settings; connects to nothing yet."""
    password = quote(chosen.cache.password(), safe="")
    celery = Celery(
        "app", broker=f"redis://:{password}@{chosen.cache.host}:{chosen.cache.port}/0", set_as_current=False
    )
    celery.conf.update(
        color=chosen.color,
        release=chosen.release,
        task_default_queue=chosen.queue,
        task_ignore_result=True,
        # For jobs that bear a second run: a worker that is killed loses none, whether it was the whole container or
        # the one process that had the job.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        broker_transport_options={"visibility_timeout": VISIBILITY_SECONDS},
        # A job that waits in a busy worker could be done by an idle one, and would have to be given back at a stop.
        worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True,
        # Written after each job: a beat that is killed leaves a schedule that knows its last one.
        beat_sync_every=1,
        beat_schedule={"tick": {"task": "tick", "schedule": chosen.beat_seconds}},
    )
    celery.steps["worker"].add(FinishWhatWasGiven)
    rows = once(lambda: Rows(chosen))

    @celery.task(name="work", shared=False, bind=True, max_retries=None)
    def work(task: Task, job_id: str, milliseconds: int, color: str, release: str) -> None:
        """One row for each job: who asked for it, who did it, and how often."""
        time.sleep(milliseconds / 1000)
        rows().write(
            task,
            "INSERT INTO jobs (job_id, asked_color, asked_release, color, release) VALUES (%s, %s, %s, %s, %s) "
            "ON CONFLICT (job_id) DO UPDATE SET runs = jobs.runs + 1",
            (job_id, color, release, chosen.color, chosen.release),
        )

    @celery.task(name="tick", shared=False, base=Tick, bind=True, max_retries=None)
    def tick(task: Task, at: float, color: str, release: str) -> None:
        """One row for each time that it was due: when it was enqueued, and by which release's beat."""
        rows().write(
            task,
            "INSERT INTO ticks (at, asked_color, asked_release, color, release) "
            "VALUES (to_timestamp(%s), %s, %s, %s, %s)",
            (at, color, release, chosen.color, chosen.release),
        )

    return celery


class FinishWhatWasGiven(bootsteps.StartStopStep):
    """At a warm shutdown, a job that was handed to a process which has not said yet that it began is finished too.

    Celery 5.7 flushes its pool there as after a lost connection (celery/celery#6863): it forgets the job, the process
    does it and waits 30 s for somebody to take note, and the job goes back into the queue, to be done a second time.
    """

    def close(self, worker: Any) -> None:
        """Before the consumer is stopped, which would flush. What no process was handed goes back all the same."""
        worker.pool.flush = None


class Tick(Task):
    """Told when it was enqueued and by whom, because beat says neither."""

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        conf = self.app.conf
        told = {"at": time.time(), "color": conf.color, "release": conf.release, **(kwargs or {})}
        return super().apply_async(args, told, **options)


class Rows:
    """One connection for each of the worker's processes, opened after it was forked."""

    def __init__(self, chosen: Settings) -> None:
        database = chosen.database
        self.pool = ConnectionPool(
            kwargs=lambda: {
                "host": database.host,
                "port": database.port,
                "dbname": database.name,
                "user": database.user,
                "password": database.password(),
                "connect_timeout": 3,
                "application_name": "sample-worker",
                "autocommit": True,
            },
            min_size=1,
            max_size=1,
            open=True,
            timeout=5,
            check=ConnectionPool.check_connection,
        )

    def write(self, task: Task, query: str, parameters: tuple[object, ...]) -> None:
        """A database that does not answer is waited for, however long: the job goes back into the queue meanwhile."""
        try:
            with self.pool.connection() as connection:
                connection.execute(query, parameters)
        except psycopg.OperationalError as error:
            raise task.retry(exc=error, countdown=RETRY_SECONDS) from error
