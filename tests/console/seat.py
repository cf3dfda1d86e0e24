"""Somebody at the console, without a browser: what one is sent, and what one sends."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import httpx
from web.world import Gateway, key_of

CSRF = re.compile(r'name="csrf" value="([^"]+)"')


@dataclass
class Seat:
    """A cookie jar and the token of the last page."""

    gateway: Gateway
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""

    def call(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        """One request, as a browser makes it; redirects are not followed."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()).encode("latin-1")}
        self.gateway.client.cookies.clear()
        answer = self.gateway.client.request(
            method, path, headers={**headers, **kwargs.pop("headers", {})}, follow_redirects=False, **kwargs
        )
        self.cookies |= dict(answer.cookies)
        found = CSRF.search(answer.text)
        self.csrf = found[1] if found else self.csrf
        return answer

    def get(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.call("GET", path, **kwargs)

    def page(self, path: str) -> str:
        """The text of a page that there is."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return unescape(answer.text)

    def post(self, path: str, **fields: str) -> httpx.Response:
        """A form, with the token of the last page."""
        return self.call("POST", path, data={"csrf": self.csrf, **fields})

    def sign_in(self, key: str, **fields: str) -> httpx.Response:
        self.get("/console/login")
        return self.post("/console/login", key=key, **fields)


def seat(gateway: Gateway, app: str = "everything") -> Seat:
    """Somebody signed in with an app's key, who has the inbox before them."""
    made = Seat(gateway)
    answer = made.sign_in(key_of(app))
    assert answer.status_code == 303, answer.text
    made.get("/console")
    return made
