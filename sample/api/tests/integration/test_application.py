import json
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as websocket

from .conftest import ROOT, Running


def test_nothing_written_at_once_by_many_is_lost(application: Running) -> None:
    with httpx.Client(base_url=application.url) as client, ThreadPoolExecutor(8) as many:

        def write(number: int) -> int:
            body = {"clientId": f"run-{number:04}", "name": f"item {number}", "note": "ü"}
            return client.post("/items", json=body).status_code

        assert set(many.map(write, range(300))) == {201}
        found: list[str] = []
        after: int | None = 0
        while after is not None:
            page = client.get("/items", params={"prefix": "run-", "limit": 70, "after": after}).json()
            found += [item["clientId"] for item in page["items"]]
            after = page["next"]
    assert sorted(found) == [f"run-{number:04}" for number in range(300)]


def test_a_read_is_cached_in_redis(application: Running, connect: Callable[[], psycopg.Connection]) -> None:
    with httpx.Client(base_url=application.url) as client:
        location = client.post("/items", json={"clientId": "cached", "name": "first"}).headers["location"]
        first = client.get(location)
        connect().execute("DELETE FROM items")
        second = client.get(location)
    assert (first.headers["x-cache"], second.headers["x-cache"]) == ("miss", "hit")
    assert first.json() == second.json()


def test_health_names_both_services(application: Running) -> None:
    document = httpx.get(f"{application.url}/health").json()
    assert document["status"] == "ok"
    assert {name: service["status"] for name, service in document["services"].items()} == {
        "database": "ok",
        "cache": "ok",
    }


def test_without_redis_it_is_degraded_and_goes_on(application: Running, running: Callable[..., Running]) -> None:
    alone = running(REDIS_HOST="127.0.0.1", REDIS_PORT="1")
    health = alone.await_status("/health", 200).json()
    assert (health["status"], health["services"]["cache"]["status"]) == ("degraded", "down")
    assert httpx.post(f"{alone.url}/items", json={"clientId": "a", "name": "x"}).status_code == 201


def test_without_a_database_it_starts_and_says_503(running: Callable[..., Running]) -> None:
    alone = running(DATABASE_HOST="127.0.0.1", DATABASE_PORT="1")
    assert alone.await_status("/health", 503).json()["services"]["database"]["status"] == "down"
    assert httpx.get(f"{alone.url}/items", timeout=10).status_code == 503
    assert httpx.get(f"{alone.url}/version").status_code == 200


def test_connections_that_the_database_cut_are_replaced(
    application: Running, connect: Callable[[], psycopg.Connection]
) -> None:
    connect().execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'sample-api' AND datname = current_database()"
    )
    application.await_status("/items", 200, seconds=5)
    assert {httpx.get(f"{application.url}/items").status_code for _ in range(20)} == {200}


def test_websocket_says_who_it_is_echoes_and_ticks(application: Running) -> None:
    with websocket(f"ws://127.0.0.1:{application.port}/ws") as socket:
        assert json.loads(socket.recv(5)) == {"type": "hello", "release": "7", "color": "green"}
        socket.send("ping")
        seen = [json.loads(socket.recv(5)) for _ in range(3)]
    assert {"type": "echo", "data": "ping"} in seen
    assert {"type": "tick", "number": 1} in seen


def receive_until_closed(socket: ClientConnection) -> None:
    while True:
        socket.recv(10)


def test_a_stop_finishes_what_is_in_flight_and_ends_streams_cleanly(application: Running) -> None:
    events: list[str] = []
    ticking = threading.Event()

    def listen() -> None:
        with httpx.stream("GET", f"{application.url}/events", timeout=20) as stream:
            for line in stream.iter_lines():
                events.append(line)
                if line == "event: tick":
                    ticking.set()

    def slow() -> httpx.Response:
        return httpx.get(f"{application.url}/slow?ms=1500", timeout=20)

    with ThreadPoolExecutor(2) as pool, websocket(f"ws://127.0.0.1:{application.port}/ws") as socket:
        stream, request = pool.submit(listen), pool.submit(slow)
        assert ticking.wait(10)
        in_flight = "http_requests_in_flight 4.0"  # the slow one, the stream, the WebSocket, and the question itself
        while in_flight not in httpx.get(f"{application.url}/metrics").text:
            assert not request.done()
        application.stop()
        with pytest.raises(ConnectionClosed) as closed:
            receive_until_closed(socket)
        stream.result(10)  # raises if the stream was cut in the middle of a chunk
        assert request.result(10).json()["slept"] == 1500
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    assert events[-3:] == ["event: bye", 'data: {"reason":"restart"}', ""]
    assert application.process.wait(10) == 0
    assert application.log.read_text().count('"message":"stopped"') == 1


def test_a_stop_is_bounded(application: Running, running: Callable[..., Running]) -> None:
    bounded = running(GRACE_SECONDS="1")
    bounded.await_status("/health", 200)
    with ThreadPoolExecutor(1) as pool:
        request = pool.submit(httpx.get, f"{bounded.url}/slow?ms=10000", timeout=20)
        while "http_requests_in_flight 2.0" not in httpx.get(f"{bounded.url}/metrics").text:
            assert not request.done()
        bounded.stop()
        assert bounded.process.wait(6) == 0
        request.exception(5)


def test_every_log_line_is_json_and_holds_no_secret(application: Running) -> None:
    httpx.get(f"{application.url}/version", headers={"X-Request-Id": "trace-1"})
    application.stop()
    application.process.wait(10)
    text = application.log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["path"] for line in lines if line.get("requestId") == "trace-1"] == ["/version"]
    for name in ("database_password", "redis_password"):
        with open(f"/run/secrets/{name}") as file:
            assert file.read().strip() not in text


def test_fault_exit_exits_at_start(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "app"]
    done = subprocess.run(  # noqa: S603
        command, cwd=ROOT, env={**environment, "FAULT": "exit"}, capture_output=True, timeout=20, check=False
    )
    assert done.returncode == 1


@pytest.mark.parametrize(("fault", "code"), [("none", 0), ("unhealthy", 1)])
def test_the_containers_healthcheck(
    environment: dict[str, str], application: Running, running: Callable[..., Running], fault: str, code: int
) -> None:
    one = running(FAULT=fault)
    one.await_status("/version", 200)
    if code == 0:
        one.await_status("/health", 200)
    command = [sys.executable, "-S", str(ROOT / "app" / "probe.py")]
    env = {**environment, "PORT": str(one.port)}
    assert subprocess.run(command, env=env, timeout=10, check=False).returncode == code  # noqa: S603
