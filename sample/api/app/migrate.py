"""`python -m app.migrate`: brings the database to this image's newest revision; prints one JSON line.

Run before a release. One at a time (advisory lock), never long in the way of the serving release (lock_timeout).
A database that a newer release has migrated further is left alone, with exit 0: migrations only ever expand,
so that this release still runs on it, and a rollback must not fail.
"""

import json
import os
import sys
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, NullPool, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from app import settings

LOCK_KEY = 7_203_113_001  # any number, as long as every release uses the same
LOCK_WAIT_SECONDS = 60  # for another migration to end
TABLE_LOCK_SECONDS = 3  # for a table: meanwhile the serving release's queries queue up behind


def script_config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def revision(connection: Connection) -> str | None:
    try:
        return MigrationContext.configure(connection).get_current_revision()
    finally:
        connection.rollback()


def known_revisions() -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(script_config()).walk_revisions()}


def upgrade(connection: Connection) -> dict[str, object]:
    """What was done, as the fields of the printed line."""
    set_lock_timeout(connection, LOCK_WAIT_SECONDS)
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK_KEY})  # until this session ends
    connection.commit()
    before = revision(connection)
    if before is not None and before not in known_revisions():
        reason = "the database is ahead of this image: a newer release migrated it; nothing to do"
        return {"status": "ahead", "before": before, "after": before, "reason": reason}
    set_lock_timeout(connection, TABLE_LOCK_SECONDS)
    command.upgrade(script_config(connection), "head")
    after = revision(connection)
    return {"status": "current" if before == after else "migrated", "before": before, "after": after}


def set_lock_timeout(connection: Connection, seconds: int) -> None:
    connection.execute(text(f"SET lock_timeout = '{seconds}s'"))
    connection.commit()


def run(database: settings.Database) -> dict[str, object]:
    url = URL.create(
        "postgresql+psycopg", database.user, database.password(), database.host, database.port, database.name
    )
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 5})
    with engine.connect() as connection:
        return upgrade(connection)


def main() -> int:
    started = time.perf_counter()
    try:
        done = run(settings.load_database(os.environ))
    except (settings.SettingsError, SQLAlchemyError) as error:
        # The first line only: the rest is the statement and a link.
        reason = str(error).strip() if isinstance(error, settings.SettingsError) else str(error).splitlines()[0]
        print(json.dumps({"event": "migrate", "status": "failed", "reason": reason}), file=sys.stderr)
        return 1
    milliseconds = round((time.perf_counter() - started) * 1000)
    print(json.dumps({"event": "migrate", **done, "milliseconds": milliseconds}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
