from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from celery import Task

from app import work
from app.settings import Settings


def test_jobs_are_enqueued_under_their_own_names(play: Callable[..., None]) -> None:
    async def scenario(world) -> None:
        answer = await world.client.post("/jobs", json={"prefix": "run1", "count": 3, "milliseconds": 5})
        assert (answer.status_code, answer.json()) == (202, {"enqueued": 3})
        assert world.queue.jobs == [("run1-0", 5), ("run1-1", 5), ("run1-2", 5)]
        assert world.pool.asked == 0

    play(scenario)


@pytest.mark.parametrize("body", [{}, {"prefix": "a b"}, {"prefix": "a", "count": 0}, {"prefix": "a", "count": 1001}])
def test_nonsense_is_not_enqueued(play: Callable[..., None], body: dict[str, object]) -> None:
    async def scenario(world) -> None:
        assert (await world.client.post("/jobs", json=body)).status_code == 422
        assert world.queue.jobs == []

    play(scenario)


def test_without_the_queue_it_says_so(play: Callable[..., None]) -> None:
    async def scenario(world) -> None:
        world.queue.gone = True
        answer = await world.client.post("/jobs", json={"prefix": "a"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert (await world.client.get("/health")).status_code == 200

    play(scenario)


def test_what_is_done_is_counted(play: Callable[..., None]) -> None:
    async def scenario(world) -> None:
        assert (await world.client.get("/jobs?prefix=run1-")).json() == {"done": 2, "repeated": 1}

    play(scenario)


@pytest.fixture
def with_secrets(settings: Settings, tmp_path: Path) -> Settings:
    (tmp_path / "redis_password").write_text("p@ss/word\n")
    return replace(
        settings, queue="jobs-green", cache=replace(settings.cache, password_file=tmp_path / "redis_password")
    )


def test_a_release_asks_and_works_on_its_own_queue(with_secrets: Settings) -> None:
    conf = work.make_celery(with_secrets).conf
    assert conf.task_default_queue == "jobs-green"
    assert (conf.task_acks_late, conf.task_reject_on_worker_lost) == (True, True)
    assert conf.broker_url == "redis://:p%40ss%2Fword@redis:6379/0"


def test_a_tick_knows_when_it_was_enqueued_and_by_whom(with_secrets: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, object]] = []
    monkeypatch.setattr(Task, "apply_async", lambda _self, _args, kwargs, **_options: told.append(kwargs))
    tick = work.make_celery(with_secrets).tasks["tick"]
    tick.apply_async()
    # A retry is the same tick still.
    tick.apply_async(kwargs={"at": 1.0})
    assert (told[0]["color"], told[0]["release"], told[1]["at"]) == ("green", "7", 1.0)
