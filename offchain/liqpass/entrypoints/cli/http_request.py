"""An HTTP request as it is written on a command line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import click

from liqpass.settings import Settings

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
_OURS = ("payment-signature", "x-payment")


class Url(click.ParamType):
    """An http or https URL with a host and without a name and password in it."""

    name = "url"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            parts = urlsplit(value)
            usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            self.fail(f"not a URL such as https://api.example/work: {value}", param, ctx)
        if parts.username is not None:
            self.fail("the URL must not hold a name or a password: use --header @FILE", param, ctx)
        return value


def check_transport(url: str, settings: Settings) -> None:
    """Raises click.UsageError where a payment could be seen on its way, and sent around the bond."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        own = ip_address(host).is_loopback
    except ValueError:
        own = host == "localhost"
    if parts.scheme != "https" and not own and not settings.is_local:
        raise click.UsageError("only https:// URLs, or this machine's, are paid: a payment must not be seen")


def read_headers(given: Sequence[str]) -> list[tuple[str, str]]:
    """`Name: value` each, or `@FILE` with one a line.

    Raises click.UsageError for one that is no header, or the payment's own.
    """
    lines = []
    for text in given:
        lines += Path(text[1:]).read_text("utf-8").splitlines() if text.startswith("@") else [text]
    found = []
    for line in filter(str.strip, lines):
        name, colon, value = line.partition(":")
        if not colon or _NAME.fullmatch(name) is None or not value.isprintable() or not value.isascii():
            raise click.UsageError("a header is `Name: value`, in one line of ASCII")
        if name.lower() in _OURS:
            raise click.UsageError(f"{name} is set by the payment")
        found.append((name, value.strip()))
    return found


def read_body(data: str) -> bytes:
    """The text itself, the file of `@FILE`, or standard input of `@-`."""
    if data == "@-":
        return bytes(click.get_binary_stream("stdin").read())
    return Path(data[1:]).read_bytes() if data.startswith("@") else data.encode()
