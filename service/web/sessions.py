"""Sessions of page visitors: the API key in a session cookie, and CSRF tokens of forms.

The cookie contains the key, is sent to this site only (``SameSite=Strict``) and is hidden from
scripts. The server stores nothing: a revoked or expired key ends the session. Forms carry a token
that can be computed only with the key.
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
from service.api.middleware.auth import KeyCache
from service.errors import ServiceError, Unauthenticated

COOKIE = "disambig_key"
KEY = re.compile(r"k-[A-Za-z0-9]{1,40}\.[A-Za-z0-9_-]{1,200}")
MAX_FIELDS = 50_000
"""Maximum fields of a form: a board of 2,000 mentions has about three of each."""


class BadForm(ServiceError):
    """A form that comes from another site, or cannot be decoded."""

    status, title = 403, "Form refused"


@dataclass(frozen=True, slots=True)
class Visitor:
    """The visitor of a page.

    Attributes
    ----------
    key : str or None
        API key of the session.
    actor : str
        As in the event log: ``key:ID``, or ``anonymous``.
    name : str
        Name of the key.
    role : Role
    """

    key: str | None = None
    actor: str = "anonymous"
    name: str = ""
    role: Role = Role.PUBLIC

    @property
    def is_signed_in(self) -> bool:
        """Whether the visitor has signed in with a key."""
        return self.key is not None

    @property
    def can_review(self) -> bool:
        """Whether the visitor may answer questions."""
        return self.role.includes(Role.REVIEWER)

    @property
    def can_edit(self) -> bool:
        """Whether the visitor may change published profiles."""
        return self.role.includes(Role.EDITOR)

    @property
    def token(self) -> str:
        """CSRF token of this visitor's forms."""
        return hmac.new((self.key or "").encode(), b"form of a page", hashlib.sha256).hexdigest()


async def identify_visitor(request: Request[Any, Any, Any]) -> Visitor:
    """Return the visitor of a request; anonymous if the key in the cookie is not valid."""
    identified = await _look_up_visitor(request)
    request.scope["state"]["visitor"] = identified
    return identified


def get_visitor(request: Request[Any, Any, Any]) -> Visitor:
    """Return the visitor identified earlier in this request; default: anonymous."""
    visitor_: Visitor = request.scope["state"].get("visitor", Visitor())
    return visitor_


async def _look_up_visitor(request: Request[Any, Any, Any]) -> Visitor:
    text = request.cookies.get(COOKIE)
    if not text or not KEY.fullmatch(text):
        return Visitor()
    known: KeyCache = request.app.state["keys"]
    try:
        info = await known.find(text)
    except Unauthenticated:
        return Visitor()
    return Visitor(text, f"key:{info.id}", info.name, info.role)


def make_session_cookie(request: Request[Any, Any, Any], key: str) -> Cookie:
    """Return the session cookie with a key."""
    secure = request.scope["scheme"] == "https"
    return Cookie(COOKIE, value=key, path="/", httponly=True, samesite="strict", secure=secure)


def make_sign_out_cookie() -> Cookie:
    """Return the cookie that deletes the key in the browser."""
    return Cookie(COOKIE, value="", path="/", httponly=True, samesite="strict", max_age=0)


class Form:
    """The fields of a posted form, in order."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        """``pairs`` of name and value."""
        self.pairs = pairs
        self._first = dict(reversed(pairs))

    def get(self, name: str) -> str:
        """Return the first value of a field, stripped; empty if missing."""
        return self._first.get(name, "").strip()

    def all(self, name: str) -> list[str]:
        """Return all values of a field."""
        return [value for key, value in self.pairs if key == name]


async def read_form(request: Request[Any, Any, Any], who: Visitor | None) -> Form:
    """Read a form posted from a page of this site.

    Parameters
    ----------
    who : Visitor or None
        Visitor whose token it must carry; None for the sign-in form.

    Raises
    ------
    BadForm
        If it comes from another site, has too many fields, or a wrong token.
    """
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    is_foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    if site not in ("same-origin", "none") or is_foreign:
        raise BadForm(
            "the form was sent from another site", "open the page on this site and try again"
        )
    body = await request.body()
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise BadForm("the form cannot be decoded", "reload the page and try again") from None
    form = Form([(k.replace("\0", ""), v.replace("\0", "")) for k, v in pairs])
    if who is not None and not hmac.compare_digest(form.get("token").encode(), who.token.encode()):
        raise BadForm("the form belongs to another session", "reload the page and try again")
    return form
