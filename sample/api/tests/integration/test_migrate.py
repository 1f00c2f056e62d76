import json
import subprocess
import sys
import time
from collections.abc import Callable

import psycopg

from .conftest import ROOT, migrate

LAST = "0003"


def printed(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    return json.loads(done.stdout)


def test_an_empty_database_is_migrated_and_a_second_run_changes_nothing(environment: dict[str, str]) -> None:
    first = printed(migrate(environment))
    assert (first["status"], first["before"], first["after"]) == ("migrated", None, LAST)
    second = printed(migrate(environment))
    assert (second["status"], second["before"], second["after"]) == ("current", LAST, LAST)


def test_a_database_ahead_of_the_image_is_left_alone(
    environment: dict[str, str], connect: Callable[[], psycopg.Connection]
) -> None:
    migrate(environment)
    connection = connect()
    connection.execute("UPDATE alembic_version SET version_num = '0999'")
    done = printed(migrate(environment))
    assert (done["status"], done["before"], done["after"]) == ("ahead", "0999", "0999")
    assert "ahead of this image" in str(done["reason"])
    assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0999",)


def test_several_at_once_take_turns(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "app.migrate"]
    processes = [
        subprocess.Popen(  # noqa: S603
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], outputs
    assert sorted(json.loads(out)["status"] for out, _ in outputs) == ["current", "current", "migrated"]


def test_a_table_in_use_makes_it_give_up_soon_and_change_nothing(
    environment: dict[str, str], connect: Callable[[], psycopg.Connection]
) -> None:
    migrate(environment)
    holder, other = connect(), connect()
    other.execute("DROP TABLE jobs, ticks")
    other.execute("ALTER TABLE items DROP COLUMN note")
    other.execute("UPDATE alembic_version SET version_num = '0001'")
    with holder.transaction():
        holder.execute("LOCK TABLE items IN ACCESS SHARE MODE")
        done = migrate(environment)
    assert done.returncode == 1
    assert "lock timeout" in json.loads(done.stderr)["reason"]
    assert other.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
    assert printed(migrate(environment))["status"] == "migrated"


def test_it_waits_for_a_table_as_long_as_its_environment_says(
    environment: dict[str, str], connect: Callable[[], psycopg.Connection]
) -> None:
    migrate(environment)
    holder, other = connect(), connect()
    other.execute("ALTER TABLE items DROP COLUMN note")
    other.execute("UPDATE alembic_version SET version_num = '0001'")
    with holder.transaction():
        holder.execute("LOCK TABLE items IN ACCESS SHARE MODE")
        began = time.monotonic()
        done = migrate({**environment, "PGOPTIONS": "-c lock_timeout=200"})
        assert time.monotonic() - began < 3
    assert "lock timeout" in json.loads(done.stderr)["reason"]


def test_it_goes_down_only_where_it_is_asked_to_and_knows_the_way(
    environment: dict[str, str], connect: Callable[[], psycopg.Connection]
) -> None:
    migrate(environment)
    down = printed(migrate(environment, "--down", "0001"))
    assert (down["status"], down["before"], down["after"]) == ("down", LAST, "0001")
    assert printed(migrate(environment))["status"] == "migrated"
    nowhere = migrate(environment, "--down", "nowhere")
    connect().execute("UPDATE alembic_version SET version_num = '9999'")
    newer = migrate(environment, "--down", "0001")
    assert (nowhere.returncode, newer.returncode) == (1, 1)
    assert "nowhere" in json.loads(nowhere.stderr)["reason"]
    assert "knows no way down from 9999" in json.loads(newer.stderr)["reason"]


def test_the_release_before_goes_on_writing_after_the_migration(
    environment: dict[str, str], connect: Callable[[], psycopg.Connection]
) -> None:
    migrate(environment)
    row = connect().execute("INSERT INTO items (client_id, name) VALUES ('old', 'x') RETURNING id").fetchone()
    assert row == (1,)


def test_no_password_in_what_is_printed(environment: dict[str, str]) -> None:
    done = migrate({**environment, "DATABASE_USER": "nobody"})
    assert done.returncode == 1
    with open("/run/secrets/database_password") as file:
        assert file.read().strip() not in done.stdout + done.stderr
    assert json.loads(done.stderr)["status"] == "failed"
