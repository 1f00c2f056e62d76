"""`python -m app`: one process that serves until SIGTERM, finishes what it began, and exits 0."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from types import FrameType

import uvicorn
import uvloop

from app import cache, database, logs, settings, work
from app.main import create_api, wrap

log = logging.getLogger("app")


class Server(uvicorn.Server):
    """Tells the streams to end as soon as the signal is here; uvicorn alone would wait for them until its timeout."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self.on_stop = on_stop

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Not uvicorn's own: that raises the signal again at the end, and a clean stop would not exit 0.
        self.force_exit = self.should_exit  # a second signal does not wait
        self.should_exit = True
        self.on_stop()


async def serve(chosen: settings.Settings) -> None:
    api = create_api(
        chosen,
        make_pool=lambda: database.make_pool(chosen.database),
        make_client=lambda: cache.make_client(chosen.cache),
        make_queue=lambda: work.CeleryQueue(chosen),
    )
    config = uvicorn.Config(
        wrap(api, chosen),
        host="0.0.0.0",
        port=chosen.port,
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=64 * 1024,
        ws_per_message_deflate=False,  # 64 KiB of window for each connection, for messages of 40 bytes
        lifespan="on",
        log_config=None,
        access_log=False,  # the request line is logged by app.observe, as JSON
        server_header=False,
        proxy_headers=False,
        backlog=1024,
        # Above the gateway's 60 s for idle upstream connections: the side that sends requests must close first.
        timeout_keep_alive=120,
        timeout_graceful_shutdown=chosen.grace_seconds,
    )
    loop = asyncio.get_running_loop()
    await Server(config, lambda: loop.call_soon_threadsafe(api.state.stopping.set)).serve()


def main() -> int:
    try:
        chosen = settings.load(os.environ)
        for service in (chosen.database, chosen.cache):
            service.password()  # missing files are a mistake of whoever starts this: say so now, not per request
    except settings.SettingsError as error:
        print(f"cannot start:\n{error}", file=sys.stderr)
        return 2
    logs.configure(chosen.log_level, {"release": chosen.release, "color": chosen.color})
    if chosen.fault != "none":
        log.warning("this release is broken on purpose", extra={"fields": {"fault": chosen.fault}})
    if chosen.fault == "exit":
        return 1
    asyncio.run(serve(chosen), loop_factory=uvloop.new_event_loop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
