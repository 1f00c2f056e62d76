"""`python -m app.migrate`: brings the database to this image's newest revision; prints one JSON line.

Run before a release. One at a time (advisory lock), never long in the way of the serving release (lock_timeout).
A database that a newer release has migrated further is left alone, with exit 0: migrations only ever expand,
so that this release still runs on it, and a rollback must not fail.

`python -m app.migrate --down REVISION` goes back to one, on demand only: nothing here ever calls it by itself.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, NullPool, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from app import settings

LOCK_KEY = 7_203_113_001  # any number, as long as every release uses the same
LOCK_WAIT_SECONDS = 60  # for another migration to end
TABLE_LOCK_SECONDS = 3  # for a table, unless PGOPTIONS says: meanwhile the serving release's queries queue up behind


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


class Refused(Exception):
    """What was asked for cannot be done; nothing was changed."""


def migrate(connection: Connection, down: str | None) -> dict[str, object]:
    """What was done, as the fields of the printed line."""
    table_lock = connection.execute(text("SHOW lock_timeout")).scalar_one()  # as PGOPTIONS had it
    set_lock_timeout(connection, f"{LOCK_WAIT_SECONDS}s")
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK_KEY})  # until this session ends
    connection.commit()
    before = revision(connection)
    known = before is None or before in known_revisions()
    set_lock_timeout(connection, f"{TABLE_LOCK_SECONDS}s" if table_lock == "0" else table_lock)
    if down is not None:
        if not known:
            raise Refused(f"this image knows no way down from {before}: take a newer one's")
        command.downgrade(script_config(connection), down)
        return {"status": "down", "before": before, "after": revision(connection)}
    if not known:
        reason = "the database is ahead of this image: a newer release migrated it; nothing to do"
        return {"status": "ahead", "before": before, "after": before, "reason": reason}
    command.upgrade(script_config(connection), "head")
    after = revision(connection)
    return {"status": "current" if before == after else "migrated", "before": before, "after": after}


def set_lock_timeout(connection: Connection, duration: str) -> None:
    connection.execute(text(f"SET lock_timeout = '{duration}'"))
    connection.commit()


def run(database: settings.Database, down: str | None) -> dict[str, object]:
    url = URL.create(
        "postgresql+psycopg", database.user, database.password(), database.host, database.port, database.name
    )
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 5})
    with engine.connect() as connection:
        return migrate(connection, down)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m app.migrate")
    parser.add_argument("--down", metavar="REVISION", help="back to this revision; what was added since is lost")
    down = parser.parse_args().down
    started = time.perf_counter()
    try:
        done = run(settings.load_database(os.environ), down)
    except (settings.SettingsError, SQLAlchemyError, CommandError, Refused) as error:
        # Of the database's the first line only: the rest is the statement and a link.
        reason = str(error).splitlines()[0] if isinstance(error, SQLAlchemyError) else str(error).strip()
        print(json.dumps({"event": "migrate", "status": "failed", "reason": reason}), file=sys.stderr)
        return 1
    milliseconds = round((time.perf_counter() - started) * 1000)
    print(json.dumps({"event": "migrate", **done, "milliseconds": milliseconds}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
