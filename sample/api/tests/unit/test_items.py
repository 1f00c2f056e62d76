from collections.abc import Callable
from dataclasses import replace

import pytest

from app.settings import Settings


def test_what_is_written_can_be_read_and_listed(play: Callable[..., None]) -> None:
    async def scenario(world) -> None:
        for number in (1, 2, 3):
            answer = await world.client.post("/items", json={"clientId": f"run1-{number}", "name": f"item {number}"})
            assert answer.status_code == 201
            assert answer.headers["location"] == f"/items/{number}"
        await world.client.post("/items", json={"clientId": "run2-1", "name": "other", "note": "n"})

        first = (await world.client.get("/items?prefix=run1-&limit=2")).json()
        assert [item["clientId"] for item in first["items"]] == ["run1-1", "run1-2"]
        rest = (await world.client.get(f"/items?prefix=run1-&limit=2&after={first['next']}")).json()
        assert [item["clientId"] for item in rest["items"]] == ["run1-3"]
        assert rest["next"] is None
        item = (await world.client.get("/items/4")).json()
        assert item == {
            "id": 4, "clientId": "run2-1", "name": "other", "note": "n", "createdAt": "2026-01-02T00:00:00Z",
        }  # fmt: skip

    play(scenario)


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x"},
        {"clientId": "a b", "name": "x"},
        {"clientId": "a", "name": " "},
        {"clientId": "a", "name": "x" * 201},
        {"clientId": "a", "name": "x", "id": 5},
    ],
)
def test_nonsense_is_refused_before_the_database(play: Callable[..., None], body: dict[str, object]) -> None:
    async def scenario(world) -> None:
        assert (await world.client.post("/items", json=body)).status_code == 422
        assert world.pool.asked == 0

    play(scenario)


@pytest.mark.parametrize(("path", "status"), [("/items/9", 404), ("/items/0", 422), ("/items/x", 422)])
def test_an_item_that_is_not_there(play: Callable[..., None], path: str, status: int) -> None:
    async def scenario(world) -> None:
        assert (await world.client.get(path)).status_code == status

    play(scenario)


def test_the_second_read_comes_from_the_cache(play: Callable[..., None]) -> None:
    async def scenario(world) -> None:
        await world.client.post("/items", json={"clientId": "a", "name": "x"})
        asked = world.pool.asked
        answers = [await world.client.get("/items/1") for _ in range(2)]
        assert [answer.headers["x-cache"] for answer in answers] == ["miss", "hit"]
        assert answers[0].content == answers[1].content
        assert world.pool.asked == asked + 1

    play(scenario)


def test_reads_go_on_without_the_cache_and_it_is_left_alone_for_a_while(play: Callable[..., None]) -> None:
    async def scenario(world) -> None:
        await world.client.post("/items", json={"clientId": "a", "name": "x"})
        world.redis.gone = True
        for _ in range(3):
            answer = await world.client.get("/items/1")
            assert (answer.status_code, answer.headers["x-cache"]) == (200, "miss")
        assert world.redis.asked == 1

    play(scenario)


def test_without_the_database_the_answer_is_503_and_dead_connections_are_thrown_away(
    play: Callable[..., None],
) -> None:
    async def scenario(world) -> None:
        world.pool.gone = True
        answer = await world.client.post("/items", json={"clientId": "a", "name": "x"})
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert world.pool.checked == 1

    play(scenario)


def test_fault_errors_breaks_every_fifth_answer_but_not_health(play: Callable[..., None], settings: Settings) -> None:
    async def scenario(world) -> None:
        for path in ("/version", "/items"):
            statuses = [(await world.client.get(path)).status_code for _ in range(20)]
            assert (statuses.count(500), statuses.count(200)) == (4, 16)
        assert {(await world.client.get("/health")).status_code for _ in range(10)} == {200}

    play(scenario, replace(settings, fault="errors"))
