import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from app import faults, page
from app.logs import JsonFormatter
from app.settings import Settings


def test_version_asks_no_service(play: Callable[..., None]) -> None:
    async def scenario(world) -> None:
        answer = await world.client.get("/version")
        assert answer.json() == {"release": "7", "color": "green"}
        assert (answer.headers["x-app-release"], answer.headers["x-app-color"]) == ("7", "green")
        assert (world.pool.asked, world.redis.asked) == (0, 0)

    play(scenario)


@pytest.mark.parametrize(
    ("database_gone", "cache_gone", "status", "word"),
    [(False, False, 200, "ok"), (False, True, 200, "degraded"), (True, False, 503, "down"), (True, True, 503, "down")],
)
def test_health(play: Callable[..., None], database_gone: bool, cache_gone: bool, status: int, word: str) -> None:
    async def scenario(world) -> None:
        world.pool.gone, world.redis.gone = database_gone, cache_gone
        answer = await world.client.get("/health")
        document = answer.json()
        assert (answer.status_code, document["status"], document["version"]) == (status, word, "7")
        assert datetime.fromisoformat(document["timestamp"]).tzinfo is not None
        expected = {"database": "down" if database_gone else "ok", "cache": "down" if cache_gone else "ok"}
        assert {name: service["status"] for name, service in document["services"].items()} == expected
        assert all(service["latencyMs"] >= 0 for service in document["services"].values())

    play(scenario)


def test_fault_unhealthy(play: Callable[..., None], settings: Settings) -> None:
    async def scenario(world) -> None:
        assert (await world.client.get("/health")).status_code == 503
        assert (await world.client.get("/version")).status_code == 200

    play(scenario, replace(settings, fault="unhealthy"))


def test_fault_slowstart(play: Callable[..., None], settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world) -> None:
        answer = await world.client.get("/health")
        assert (answer.status_code, answer.json()["status"]) == (503, "starting")
        monkeypatch.setattr(faults, "SLOW_START_SECONDS", 0.0)
        assert (await world.client.get("/health")).status_code == 200

    play(scenario, replace(settings, fault="slowstart"))


@pytest.mark.parametrize(("sent", "kept"), [("abc-1", True), ("a b", False), ("x" * 129, False), ("", False)])
def test_request_id(play: Callable[..., None], caplog: pytest.LogCaptureFixture, sent: str, kept: bool) -> None:
    lines: list[dict[str, object]] = []

    class Capture(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(JsonFormatter({"release": "7"}).format(record)))

    async def scenario(world) -> None:
        returned = (await world.client.get("/version", headers={"X-Request-Id": sent})).headers["x-request-id"]
        assert (returned == sent) is kept
        assert len(returned) in (5, 32)
        line = next(line for line in lines if line["message"] == "request")
        assert (line["requestId"], line["method"], line["path"], line["status"]) == (returned, "GET", "/version", 200)
        assert line["release"] == "7"

    handler = Capture()
    with caplog.at_level(logging.INFO, "app.access"):
        logging.getLogger("app.access").addHandler(handler)
        try:
            play(scenario)
        finally:
            logging.getLogger("app.access").removeHandler(handler)


def test_metrics_have_closed_label_sets(play: Callable[..., None]) -> None:
    async def scenario(world) -> None:
        await world.client.get("/no/such/path")
        await world.client.get("/items/12345")
        text = (await world.client.get("/metrics")).text
        assert 'http_requests_total{method="GET",route="other",status="404"}' in text
        assert 'http_requests_total{method="GET",route="/items/{id}",status="404"}' in text
        assert 'release_info{color="green",release="7"} 1.0' in text
        assert "12345" not in text
        assert "/no/such" not in text

    play(scenario)


@pytest.mark.parametrize("milliseconds", ["-1", "10001", "x"])
def test_slow_is_bounded(play: Callable[..., None], milliseconds: str) -> None:
    async def scenario(world) -> None:
        assert (await world.client.get(f"/slow?ms={milliseconds}")).status_code == 422
        assert (await world.client.get("/slow?ms=1")).json()["slept"] == 1

    play(scenario)


def test_page_shows_release_and_colour_and_needs_nothing_inline(play: Callable[..., None]) -> None:
    async def scenario(world) -> None:
        text = (await world.client.get("/")).text
        assert '<h1 id="release">7</h1>' in text
        assert '<body class="green">' in text
        assert "style=" not in text
        assert "<style" not in text
        for name in ("page.css", "page.js"):
            assert "max-age" in (await world.client.get(f"/static/{name}")).headers["cache-control"]
        assert (await world.client.get("/static/main.py")).status_code == 404

    play(scenario)


def test_page_escapes_its_values() -> None:
    assert "<script>x" not in page.render("<script>x", "blue")
