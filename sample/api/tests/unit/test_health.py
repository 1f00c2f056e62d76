import asyncio
import time

import pytest

from app import health


def test_a_probe_that_will_not_end_does_not_hold_up_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PROBE_TIMEOUT_SECONDS", 0.05)

    async def scenario() -> None:
        release = asyncio.Event()

        async def stubborn() -> None:
            try:
                await release.wait()
            except asyncio.CancelledError:
                await release.wait()  # as a driver does that first waits for its server to cancel the query

        async def prompt() -> None: ...

        started = time.perf_counter()
        code, document = await asyncio.wait_for(health.check(stubborn, prompt, "7", "green"), 5)
        assert time.perf_counter() - started < 2
        assert (code, document["services"]["database"]["status"]) == (503, "down")
        assert document["services"]["cache"]["status"] == "ok"
        release.set()
        await asyncio.sleep(0)

    asyncio.run(scenario())
