"""``/schema/docs``: render the OpenAPI document as one self-contained page without scripts."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from typing import Any

from litestar import MediaType, Request, Response, get

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color-scheme:light dark}code,pre{font:14px/1.4 ui-monospace,monospace}"
    "pre{overflow:auto;padding:.75rem;border:1px solid #8886;border-radius:4px;max-height:24rem}"
    "section{border-top:1px solid #8886;margin-top:1.5rem}"
    "td,th{text-align:left;vertical-align:top;padding:.1rem 1rem .1rem 0}"
)
_POLICY = (
    "default-src 'none'; frame-ancestors 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    + "'"
)


@get(
    "/schema/docs",
    opt={"open": True},
    include_in_schema=False,
    media_type=MediaType.HTML,
    sync_to_thread=True,
)
def show_docs(request: Request[Any, Any, Any]) -> Response[str]:
    """Show every operation with its parameters and examples."""
    document = request.app.openapi_schema.to_schema()
    return Response(render_docs(document), headers={"Content-Security-Policy": _POLICY})


def render_docs(document: dict[str, Any]) -> str:
    """Render an OpenAPI document as HTML."""
    info = document["info"]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        '<meta name=viewport content="width=device-width">',
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style>",
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>",
        *(f"<p>{escape(text)}</p>" for text in info["description"].split("\n\n")),
        '<p>Machine-readable: <a href="/schema">/schema</a> (OpenAPI 3.1)</p>',
    ]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if isinstance(operation, dict):
                parts.append(_render_operation(method, path, operation))
    return "\n".join(parts)


def _render_operation(method: str, path: str, operation: dict[str, Any]) -> str:
    parts = [
        f"<section><h2><code>{escape(method.upper())} {escape(path)}</code></h2>",
        f"<p><strong>{escape(operation.get('summary') or '')}</strong></p>",
        f"<p>{escape(operation.get('description') or '')}</p>",
    ]
    parameters = operation.get("parameters") or ()
    if parameters:
        rows = "".join(
            f"<tr><th scope=row><code>{escape(p['name'])}</code><td>{escape(p['in'])}"
            f"<td>{escape(p.get('description') or '')}"
            for p in parameters
        )
        parts.append(f"<table>{rows}</table>")
    body = (operation.get("requestBody") or {}).get("content") or {}
    parts += [
        f"<p>Body ({escape(kind)})</p>{_render_examples(media)}" for kind, media in body.items()
    ]
    for status, response in (operation.get("responses") or {}).items():
        if status.startswith("2"):
            for kind, media in (response.get("content") or {}).items():
                parts.append(f"<p>{escape(status)} ({escape(kind)})</p>{_render_examples(media)}")
    return "".join(parts) + "</section>"


def _render_examples(media: dict[str, Any]) -> str:
    blocks = []
    for example in (media.get("examples") or {}).values():
        value = example.get("value")
        text = value if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False)
        blocks.append(f"<pre>{escape(text)}</pre>")
    return "".join(blocks)
