"""Settings: plain ones from the environment, secrets only from files. Every problem is reported at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

FAULTS = ("none", "exit", "unhealthy", "errors", "slowstart")
COLORS = ("blue", "green")
LOG_LEVELS = ("debug", "info", "warning", "error")


class SettingsError(Exception):
    """What is wrong with the environment, one line for each problem."""


@dataclass(frozen=True, slots=True)
class Database:
    host: str
    port: int
    name: str
    user: str
    pool_size: int
    password_file: Path

    def password(self) -> str:
        return read_secret(self.password_file)


@dataclass(frozen=True, slots=True)
class Cache:
    host: str
    port: int
    ttl_seconds: int
    password_file: Path

    def password(self) -> str:
        return read_secret(self.password_file)


@dataclass(frozen=True, slots=True)
class Settings:
    release: str
    color: str
    port: int
    grace_seconds: int
    tick_seconds: float
    beat_seconds: float
    queue: str
    log_level: str
    fault: str
    database: Database
    cache: Cache


def read_secret(path: Path) -> str:
    """Read at each use, so that a secret changed on the host is used by the next connection."""
    try:
        return path.read_text(encoding="utf-8").removesuffix("\n")
    except OSError as error:
        raise SettingsError(
            f"secret file {path}: cannot be read ({error.strerror}); mount it, readable by the container's user"
        ) from None


class Reader:
    """Reads values of one environment and gathers what is wrong with them."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self.problems: list[str] = []
        # Only the tests move this: in a container the files are always mounted here.
        self.secrets = Path(env.get("SECRETS_DIRECTORY") or "/run/secrets")

    def text(self, key: str, default: str | None = None) -> str:
        value = self.env.get(key) or default
        if value is None:
            self.problems.append(f"{key}: is not set; set it to a non-empty text")
            return ""
        return value

    def choice(self, key: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        value = self.text(key, default)
        if value and value not in allowed:
            self.problems.append(f'{key}: got "{value}"; allowed are {", ".join(allowed)}')
        return value

    def number[N: (int, float)](self, key: str, kind: Callable[[str], N], low: N, high: N, default: str) -> N:
        value = self.text(key, default)
        try:
            parsed = kind(value)
        except ValueError:
            parsed = None
        if parsed is None or not low <= parsed <= high:
            self.problems.append(f'{key}: got "{value}"; allowed is a number from {low} to {high}')
            return low
        return parsed

    def database(self) -> Database:
        return Database(
            host=self.text("DATABASE_HOST"),
            port=self.number("DATABASE_PORT", int, 1, 65535, "5432"),
            name=self.text("DATABASE_NAME"),
            user=self.text("DATABASE_USER"),
            pool_size=self.number("DATABASE_POOL_SIZE", int, 1, 100, "8"),
            password_file=self.secrets / "database_password",
        )

    def cache(self) -> Cache:
        return Cache(
            host=self.text("REDIS_HOST"),
            port=self.number("REDIS_PORT", int, 1, 65535, "6379"),
            ttl_seconds=self.number("CACHE_TTL_SECONDS", int, 1, 86400, "60"),
            password_file=self.secrets / "redis_password",
        )

    def finish[T](self, value: T) -> T:
        if self.problems:
            raise SettingsError("\n".join(self.problems))
        return value


def load(env: Mapping[str, str]) -> Settings:
    """Parse the environment, or raise one SettingsError that names every problem in it."""
    read = Reader(env)
    return read.finish(
        Settings(
            release=read.text("RELEASE"),
            color=read.choice("COLOR", COLORS),
            port=read.number("PORT", int, 1, 65535, "8000"),
            grace_seconds=read.number("GRACE_SECONDS", int, 0, 300, "10"),
            tick_seconds=read.number("TICK_SECONDS", float, 0.01, 60, "1"),
            beat_seconds=read.number("BEAT_SECONDS", float, 1, 86400, "60"),
            queue=read.text("QUEUE", "jobs"),
            log_level=read.choice("LOG_LEVEL", LOG_LEVELS, "info"),
            fault=read.choice("FAULT", FAULTS, "none"),
            database=read.database(),
            cache=read.cache(),
        )
    )


def load_database(env: Mapping[str, str]) -> Database:
    """Only what a migration needs: it runs without a colour and without Redis."""
    read = Reader(env)
    return read.finish(read.database())
