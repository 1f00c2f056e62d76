"""/jobs: asks for work that is done later, and counts what was done."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app import database

router = APIRouter()


class NewJobs(BaseModel):
    model_config = ConfigDict(extra="forbid")

    prefix: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]+$", max_length=64)] = Field(
        description="the jobs are called prefix-0, prefix-1 and so on"
    )
    count: Annotated[int, Field(ge=1, le=1000)] = 1
    milliseconds: Annotated[int, Field(ge=0, le=10_000, description="how long each takes")] = 0


@router.post("/jobs", status_code=202)
async def enqueue(new: NewJobs, request: Request) -> JSONResponse:
    """202 when all of them are in the queue; after a 503 it may be some of them."""
    ids = [f"{new.prefix}-{number}" for number in range(new.count)]
    # Celery's client waits for Redis, and the loop must not.
    await run_in_threadpool(request.app.state.queue.enqueue, ids, new.milliseconds)
    return JSONResponse({"enqueued": new.count}, 202)


@router.get("/jobs")
async def count(request: Request, prefix: Annotated[str, Query(max_length=128)] = "") -> dict[str, int]:
    """How many jobs are done whose id begins so, and how many of those ran more than once."""
    row = await database.fetch_one(
        request.app.state.pool,
        "SELECT count(*) AS done, count(*) FILTER (WHERE runs > 1) AS repeated FROM jobs WHERE job_id ^@ %s",
        (prefix,),
    )
    return {"done": 0, "repeated": 0, **(row or {})}
