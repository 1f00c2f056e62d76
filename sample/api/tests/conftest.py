"""Settings for every test; the environment's own are used by the integration tests only."""

import pytest

from app.settings import Settings, load

PLAIN = {
    "RELEASE": "7",
    "COLOR": "green",
    "DATABASE_HOST": "postgres",
    "DATABASE_NAME": "app",
    "DATABASE_USER": "app",
    "REDIS_HOST": "redis",
    "TICK_SECONDS": "0.05",
}


@pytest.fixture
def plain() -> dict[str, str]:
    return dict(PLAIN)


@pytest.fixture
def settings(plain: dict[str, str]) -> Settings:
    return load(plain)
