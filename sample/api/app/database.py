"""The pool of Postgres connections: opened without waiting, so that the application starts and says what is missing."""

from collections.abc import Mapping, Sequence

from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from app import settings

ACQUIRE_TIMEOUT_SECONDS = 2.0
STATEMENT_TIMEOUT_MS = 5000

type Pool = AsyncConnectionPool[AsyncConnection[DictRow]]
type Parameters = Sequence[object] | Mapping[str, object]


def make_pool(database: settings.Database) -> Pool:
    def arguments() -> dict[str, object]:
        # Called for each new connection: a changed password is picked up without a restart.
        return {
            "host": database.host,
            "port": database.port,
            "dbname": database.name,
            "user": database.user,
            "password": database.password(),
            "connect_timeout": 3,
            "tcp_user_timeout": 5000,  # ms; a host that vanished is noticed, not waited for
            "application_name": "sample-api",
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS}",
            "autocommit": True,
            "row_factory": dict_row,
        }

    return AsyncConnectionPool(
        kwargs=arguments,
        min_size=1,
        max_size=database.pool_size,
        open=False,
        # A connection from before a restart of the database is not given to a request.
        check=AsyncConnectionPool.check_connection,
        timeout=ACQUIRE_TIMEOUT_SECONDS,
        max_idle=60,
        # Give up soon and begin anew with the next request: the default backs off for up to five minutes,
        # and the application would stay unhealthy that long after the database is back.
        reconnect_timeout=2,
        name="postgres",
    )


async def fetch_all(pool: Pool, query: str, parameters: Parameters = ()) -> list[DictRow]:
    async with pool.connection() as connection:
        cursor = await connection.execute(query, parameters)
        return await cursor.fetchall()


async def fetch_one(pool: Pool, query: str, parameters: Parameters = ()) -> DictRow | None:
    async with pool.connection() as connection:
        cursor = await connection.execute(query, parameters)
        return await cursor.fetchone()
