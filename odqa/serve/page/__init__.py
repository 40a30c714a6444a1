"""The page that a browser shows: its files in, the routes that serve them out. Asks the server what any client can."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

from fastapi import APIRouter, Response

# A path → its file in this package and its type. All that a browser loads, and none of it needs a key.
FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    **{
        f"/{name}.js": (f"{name}.js", "text/javascript; charset=utf-8")
        for name in ("page", "answers", "documents", "evidence", "feedback", "history", "server", "text", "words")
    },
}
# Nothing is loaded from elsewhere, no script or style stands inside a page, and no page of others frames it.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",  # So that what a new version brings is seen at once.
}


def router() -> APIRouter:
    """The routes of the page, whose files are read once."""
    made = APIRouter(include_in_schema=False)
    for path, (name, kind) in FILES.items():
        content = files(__name__).joinpath(name).read_bytes()
        made.add_api_route(path, _sending(content, kind), methods=["GET", "HEAD"])
    return made


def _sending(content: bytes, kind: str) -> Callable[[], Response]:
    def send() -> Response:
        return Response(content, media_type=kind, headers=_HEADERS)

    return send
