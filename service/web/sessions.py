"""Who looks at a page: the key that was signed in with, kept in a cookie until the browser closes.

The cookie holds the key itself, is sent to this site only (``SameSite=Strict``), and scripts cannot
read it. Nothing is stored in the server: a key that is revoked or expires ends the session. Forms
carry a token that only somebody who knows the key can make.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from litestar.connection import Request
from litestar.datastructures import Cookie

from service.actors import Role
from service.api.middleware.auth import KnownKeys
from service.errors import ServiceError, Unauthenticated

COOKIE = "disambig_key"
KEY = re.compile(r"k-[A-Za-z0-9]{1,40}\.[A-Za-z0-9_-]{1,200}")
MAX_FIELDS = 50_000
"""Fields of a form at most: a board of 2,000 mentions has about three of each."""


class BadForm(ServiceError):
    """A form that did not come from a page of this site, or cannot be read."""

    status, title = 403, "Form refused"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at a page.

    Attributes
    ----------
    key : str or None
        The text of the key signed in with.
    actor : str
        As in the log of events: ``key:ID``, or ``anonymous``.
    name : str
        What the key is called.
    role : Role
    """

    key: str | None = None
    actor: str = "anonymous"
    name: str = ""
    role: Role = Role.PUBLIC

    @property
    def is_signed_in(self) -> bool:
        """Whether a key is known."""
        return self.key is not None

    @property
    def can_review(self) -> bool:
        """Whether they may answer questions."""
        return self.role.includes(Role.REVIEWER)

    @property
    def can_edit(self) -> bool:
        """Whether they may change what is published."""
        return self.role.includes(Role.EDITOR)

    @property
    def token(self) -> str:
        """What forms of this visitor's carry."""
        return hmac.new((self.key or "").encode(), b"form of a page", hashlib.sha256).hexdigest()


async def identify_visitor(request: Request[Any, Any, Any]) -> Visitor:
    """The visitor of a request; nobody, where the key in the cookie is no good (any more)."""
    identified = await _look_up_visitor(request)
    request.scope["state"]["visitor"] = identified
    return identified


def get_visitor(request: Request[Any, Any, Any]) -> Visitor:
    """The visitor, where it was found out before something went wrong."""
    visitor_: Visitor = request.scope["state"].get("visitor", Visitor())
    return visitor_


async def _look_up_visitor(request: Request[Any, Any, Any]) -> Visitor:
    text = request.cookies.get(COOKIE)
    if not text or not KEY.fullmatch(text):
        return Visitor()
    known: KnownKeys = request.app.state["keys"]
    try:
        info = await known.find(text)
    except Unauthenticated:
        return Visitor()
    return Visitor(text, f"key:{info.id}", info.name, info.role)


def make_session_cookie(request: Request[Any, Any, Any], key: str) -> Cookie:
    """The cookie that keeps a key until the browser closes."""
    secure = request.scope["scheme"] == "https"
    return Cookie(COOKIE, value=key, path="/", httponly=True, samesite="strict", secure=secure)


def make_sign_out_cookie() -> Cookie:
    """The cookie that makes the browser forget the key."""
    return Cookie(COOKIE, value="", path="/", httponly=True, samesite="strict", max_age=0)


class Form:
    """The fields of a posted form, in order."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        """``pairs`` of name and value."""
        self.pairs = pairs
        self._first = dict(reversed(pairs))

    def get(self, name: str) -> str:
        """The first value of a field, stripped; empty where there is none."""
        return self._first.get(name, "").strip()

    def all(self, name: str) -> list[str]:
        """All values of a field."""
        return [value for key, value in self.pairs if key == name]


async def read_form(request: Request[Any, Any, Any], who: Visitor | None) -> Form:
    """A form that was posted from a page of this site.

    Parameters
    ----------
    who : Visitor or None
        Whose token it must carry; None for the form to sign in, which has none yet.

    Raises
    ------
    BadForm
        If it comes from elsewhere, or holds too much.
    """
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    is_foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    if site not in ("same-origin", "none") or is_foreign:
        raise BadForm("this form was sent from another site", "open the page here and try again")
    body = await request.body()
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise BadForm("this form cannot be read", "reload the page and try again") from None
    form = Form([(k.replace("\0", ""), v.replace("\0", "")) for k, v in pairs])
    if who is not None and not hmac.compare_digest(form.get("token").encode(), who.token.encode()):
        raise BadForm("this form belongs to another session", "reload the page and try again")
    return form
