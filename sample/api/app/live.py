"""Connections that stay open: a WebSocket and an event stream. Both end cleanly when the process is asked to stop."""

import asyncio
import json
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse

from app import metrics

router = APIRouter()
SERVICE_RESTART = 1012


async def stopped_within(stopping: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return False
    return True


def event(name: str, data: dict[str, object]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


async def events(identity: dict[str, str], stopping: asyncio.Event, tick_seconds: float) -> AsyncIterator[str]:
    with metrics.STREAMS.labels("events").track_inprogress():
        yield "retry: 500\n" + event("hello", {**identity})
        number = 0
        while not await stopped_within(stopping, tick_seconds):
            number += 1
            yield event("tick", {"number": number})
        yield event("bye", {"reason": "restart"})


@router.get("/events")
async def event_stream(request: Request) -> StreamingResponse:
    state = request.app.state
    stream = events(state.identity, state.stopping, state.settings.tick_seconds)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream, headers=headers, media_type="text/event-stream")


async def echo(socket: WebSocket) -> None:
    while True:
        await socket.send_json({"type": "echo", "data": await socket.receive_text()})


async def tick(socket: WebSocket, stopping: asyncio.Event, seconds: float) -> None:
    number = 0
    while not await stopped_within(stopping, seconds):
        number += 1
        await socket.send_json({"type": "tick", "number": number})
    await socket.close(SERVICE_RESTART, "restart")


@router.websocket("/ws")
async def websocket(socket: WebSocket) -> None:
    state = socket.app.state
    with metrics.STREAMS.labels("websocket").track_inprogress():
        await socket.accept()
        await socket.send_json({"type": "hello", **state.identity})
        tasks = [
            asyncio.create_task(echo(socket)),
            asyncio.create_task(tick(socket, state.stopping, state.settings.tick_seconds)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            error = task.exception()
            # Gone in the middle of a send reads as a RuntimeError; both mean only that the visitor left.
            if error is not None and not isinstance(error, WebSocketDisconnect | RuntimeError):
                raise error
