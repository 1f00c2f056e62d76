"""Items: create, read (cached), list. An item never changes, so that what is cached is never wrong."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from app import database

router = APIRouter()

ClientId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]+$", max_length=128)]
ItemId = Annotated[int, Path(ge=1, lt=2**63)]
COLUMNS = "id, client_id, name, note, created_at"


class NewItem(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")

    client_id: ClientId = Field(description="chosen by the writer, so that it can look for what it wrote")
    name: Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
    note: Annotated[str, StringConstraints(max_length=2000)] | None = None


class Item(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    id: int
    client_id: str
    name: str
    note: str | None
    created_at: datetime


class Page(BaseModel):
    items: list[Item]
    next: int | None = Field(description="give it as `after` to go on; null at the end")


def json_response(model: BaseModel, status: int = 200, **headers: str) -> Response:
    body = model.model_dump_json(by_alias=True)
    return Response(body, status, {name.replace("_", "-"): v for name, v in headers.items()}, "application/json")


@router.post("/items", status_code=201, response_model=Item)
async def create_item(new: NewItem, request: Request) -> Response:
    row = await database.fetch_one(
        request.app.state.pool,
        f"INSERT INTO items (client_id, name, note) VALUES (%s, %s, %s) RETURNING {COLUMNS}",  # noqa: S608
        (new.client_id, new.name, new.note),
    )
    item = Item.model_validate(row)
    return json_response(item, 201, Location=f"/items/{item.id}")


@router.get("/items/{item_id}", response_model=Item)
async def read_item(item_id: ItemId, request: Request) -> Response:
    """Through the cache; X-Cache says whether it was there."""
    key = f"item:{item_id}"
    cached = await request.app.state.cache.get(key)
    if cached is not None:
        return Response(cached, headers={"X-Cache": "hit"}, media_type="application/json")
    row = await database.fetch_one(
        request.app.state.pool,
        f"SELECT {COLUMNS} FROM items WHERE id = %s",  # noqa: S608
        (item_id,),
    )
    if row is None:
        raise HTTPException(404, f"item {item_id} does not exist")
    response = json_response(Item.model_validate(row), X_Cache="miss")
    await request.app.state.cache.put(key, response.body)
    return response


@router.get("/items", response_model=Page)
async def list_items(
    request: Request,
    prefix: Annotated[str, Query(max_length=128, description="only client ids that begin so")] = "",
    after: Annotated[int, Query(ge=0, lt=2**63)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Oldest first. To count what was written, page after the writing has ended: ids are given before the commit."""
    rows = await database.fetch_all(
        request.app.state.pool,
        f"SELECT {COLUMNS} FROM items WHERE client_id ^@ %s AND id > %s ORDER BY id LIMIT %s",  # noqa: S608
        (prefix, after, limit),
    )
    items = [Item.model_validate(row) for row in rows]
    return json_response(Page(items=items, next=items[-1].id if len(items) == limit else None))
