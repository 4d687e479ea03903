"""Router of all pages and their static files."""

from __future__ import annotations

import functools
from hashlib import blake2s
from importlib import resources
from typing import Any

from litestar import Request, Response, Router, get
from litestar.params import FromPath

from service.web import accuracy, board, home, models, people, queue, runs
from service.web.routes import OPT, render_error_page

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


@functools.cache
def _read_files() -> dict[str, tuple[bytes, str, str]]:
    """Read content, media type and ETag of each static file, by name."""
    files = {}
    for file in resources.files("service.web").joinpath("static").iterdir():
        kind = _TYPES.get(file.name.rpartition(".")[2])
        if kind is not None:
            content = file.read_bytes()
            files[file.name] = (content, kind, f'"{blake2s(content, digest_size=8).hexdigest()}"')
    return files


@get("/static/{name:str}", opt=OPT, include_in_schema=False, sync_to_thread=False)
def serve_file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    """Serve a style sheet, script or image."""
    file = _read_files().get(name)
    if file is None:
        return Response(b"", status_code=404, media_type="text/plain")
    content, kind, tag = file
    headers = {"ETag": tag, "Cache-Control": "public, max-age=300"}
    if request.headers.get("if-none-match") == tag:
        return Response(b"", status_code=304, headers=headers)
    return Response(content, media_type=kind, headers=headers)


PAGES = Router(
    "/",
    route_handlers=[
        serve_file,
        *home.HANDLERS,
        *queue.HANDLERS,
        *board.HANDLERS,
        *people.HANDLERS,
        *runs.HANDLERS,
        *models.HANDLERS,
        *accuracy.HANDLERS,
    ],
    exception_handlers={Exception: render_error_page},
)
"""All pages, mounted by the composition root."""
