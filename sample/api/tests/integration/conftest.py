"""The real thing: a database of its own for each test, and the application as a process of its own.

Where the services are is said by DATABASE_HOST and REDIS_HOST, as for the application itself. `test.sh` starts both.
Without them these tests fail, they are never skipped: a run that proved nothing must not look green.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg import sql

from app import settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """Settings with a fresh, empty database, which is dropped at the end."""
    missing = [key for key in ("DATABASE_HOST", "REDIS_HOST") if not os.environ.get(key)]
    if missing:
        pytest.fail(f"{' and '.join(missing)} must be set; sample/api/test.sh starts both services and sets them")
    name = f"test_{uuid4().hex}"
    server = settings.load_database(os.environ)
    admin = {"host": server.host, "port": server.port, "user": server.user, "password": server.password()}
    with psycopg.connect(dbname=server.name, autocommit=True, **admin) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield {**os.environ, "DATABASE_NAME": name, "RELEASE": "7", "COLOR": "green", "TICK_SECONDS": "0.1"}
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def connect(environment: dict[str, str]) -> Iterator[Callable[[], psycopg.Connection]]:
    """Opens connections of the test's own to its database."""
    database = settings.load_database(environment)
    with contextlib.ExitStack() as open_connections:

        def open_one() -> psycopg.Connection:
            return open_connections.enter_context(
                psycopg.connect(
                    host=database.host,
                    port=database.port,
                    dbname=database.name,
                    user=database.user,
                    password=database.password(),
                    autocommit=True,
                )
            )

        yield open_one


def migrate(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app.migrate", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603


class Running:
    """The application, started and answering."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.log = log
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app"],
                cwd=ROOT,
                env={**environment, "PORT": str(self.port)},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def await_status(self, path: str, status: int, seconds: float = 30) -> httpx.Response:
        deadline = time.monotonic() + seconds
        last: object = "nothing"
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                answer = httpx.get(self.url + path, timeout=5)
                if answer.status_code == status:
                    return answer
                last = answer.text
            except httpx.TransportError as error:
                last = error
            time.sleep(0.05)
        raise AssertionError(f"{path} did not answer {status}; last: {last}; log:\n{self.log.read_text()}")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)


@pytest.fixture
def running(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(**extra: str) -> Running:
        started.append(Running({**environment, **extra}, tmp_path / f"log{len(started)}"))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()


@pytest.fixture
def application(environment: dict[str, str], running: Callable[..., Running]) -> Running:
    done = migrate(environment)
    assert done.returncode == 0, done.stderr
    one = running()
    one.await_status("/health", 200)
    return one
