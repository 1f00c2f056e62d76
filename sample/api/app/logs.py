"""Logs: one JSON object per line on stdout, each with the id of the request it belongs to."""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


class JsonFormatter(logging.Formatter):
    """`extra={"fields": {...}}` adds to the object; `common` stands in every line."""

    def __init__(self, common: dict[str, str]) -> None:
        super().__init__()
        self.common = common

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **self.common,
        }
        if (current := request_id.get()) is not None:
            line["requestId"] = current
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, separators=(",", ":"), default=str)


def configure(level: str, common: dict[str, str]) -> None:
    """Everything that logs, libraries included, ends in the one handler on stdout."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(common))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # The pool repeats each failed attempt as a warning; /health and the answers already say so.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
