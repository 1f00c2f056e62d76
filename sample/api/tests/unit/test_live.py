import asyncio
import json

from app.live import events


def parse(text: str) -> tuple[str, dict[str, object]]:
    lines = dict(line.split(": ", 1) for line in text.strip().splitlines())
    return lines["event"], json.loads(lines["data"])


def test_the_event_stream_says_hello_ticks_and_ends_with_bye_when_asked_to_stop() -> None:
    async def scenario() -> None:
        stopping = asyncio.Event()
        seen = []
        async for text in events({"release": "7", "color": "green"}, stopping, 0.01):
            seen.append(parse(text))
            if seen[-1] == ("tick", {"number": 2}):
                stopping.set()
        assert seen[0] == ("hello", {"release": "7", "color": "green"})
        assert seen[-1] == ("bye", {"reason": "restart"})
        assert [name for name, _ in seen[1:-1]] == ["tick", "tick"]

    asyncio.run(asyncio.wait_for(scenario(), 5))
