from pathlib import Path

import pytest

from app.settings import SettingsError, load, load_database, read_secret


def test_defaults(plain: dict[str, str]) -> None:
    settings = load(plain)
    assert (settings.port, settings.grace_seconds, settings.fault) == (8000, 10, "none")
    assert str(settings.database.password_file) == "/run/secrets/database_password"
    assert str(settings.cache.password_file) == "/run/secrets/redis_password"


def test_every_problem_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load({"COLOR": "red", "PORT": "80o", "GRACE_SECONDS": "-1", "RELEASE": ""})
    lines = str(caught.value).splitlines()
    assert 'COLOR: got "red"; allowed are blue, green' in lines
    assert 'PORT: got "80o"; allowed is a number from 1 to 65535' in lines
    assert 'GRACE_SECONDS: got "-1"; allowed is a number from 0 to 300' in lines
    missing = {line.split(":")[0] for line in lines if "is not set" in line}
    assert missing == {"RELEASE", "DATABASE_HOST", "DATABASE_NAME", "DATABASE_USER", "REDIS_HOST"}


def test_a_fault_must_be_a_known_one(plain: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match='FAULT: got "crash"'):
        load({**plain, "FAULT": "crash"})


def test_a_migration_needs_no_colour_and_no_redis() -> None:
    database = load_database({"DATABASE_HOST": "h", "DATABASE_NAME": "n", "DATABASE_USER": "u"})
    assert database.host == "h"


def test_secrets_come_from_files_only(plain: dict[str, str], tmp_path: Path) -> None:
    settings = load({**plain, "SECRETS_DIRECTORY": str(tmp_path), "DATABASE_PASSWORD": "from-env"})
    with pytest.raises(SettingsError, match="database_password: cannot be read"):
        settings.database.password()
    (tmp_path / "database_password").write_text(" s3cret \n")
    assert settings.database.password() == " s3cret "
    assert "s3cret" not in repr(settings)


def test_a_changed_secret_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("old")
    assert read_secret(file) == "old"
    file.write_text("new")
    assert read_secret(file) == "new"
