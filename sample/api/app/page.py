"""The page at / and its two files. No inline style or script, so that a strict content security policy fits."""

from html import escape
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

router = APIRouter()
FILES = {
    name: ((Path(__file__).parent / "static" / name).read_bytes(), media_type)
    for name, media_type in (("page.css", "text/css"), ("page.js", "text/javascript"))
}


def render(release: str, color: str) -> str:
    release, color = escape(release, quote=True), escape(color, quote=True)
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>release {release} on {color}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/static/page.css?release={release}">
<script src="/static/page.js?release={release}" defer></script>
<body class="{color}">
<main>
<p>release</p>
<h1 id="release">{release}</h1>
<p id="color">{color}</p>
</main>
</body>
</html>
"""


@router.get("/", include_in_schema=False)
async def page(request: Request) -> HTMLResponse:
    identity = request.app.state.identity
    return HTMLResponse(render(identity["release"], identity["color"]), headers={"Cache-Control": "no-store"})


@router.get("/static/{name}", include_in_schema=False)
async def static(name: str) -> Response:
    if name not in FILES:
        raise HTTPException(404, f"{name} does not exist")
    content, media_type = FILES[name]
    # The page names its release in the query, so that a new release never meets an old file.
    return Response(content, headers={"Cache-Control": "public, max-age=86400"}, media_type=media_type)
