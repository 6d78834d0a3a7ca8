"""What names a place on the network: which origins, URLs and proxies an operator may set.

Each check raises ValueError; no message quotes a URL, which may hold a secret.
"""

from __future__ import annotations

from ipaddress import ip_network
from urllib.parse import urlsplit

OKX_HOSTS = ("www.okx.com", "eea.okx.com", "us.okx.com")


def check_okx_origin(value: str, *, local: bool) -> None:
    """One of OKX's own hosts over https; on the development chain any origin, for the simulator."""
    parts = urlsplit(value)
    if not local and (parts.scheme != "https" or parts.netloc not in OKX_HOSTS):
        raise ValueError(f"okx_host must be https:// and one of {', '.join(OKX_HOSTS)}")
    if parts.path not in ("", "/") or not parts.netloc:
        raise ValueError("okx_host must be an origin such as https://www.okx.com")


def check_site_origin(name: str, value: str) -> None:
    """An origin at which browsers reach the service: scheme and host, nothing else."""
    parts = urlsplit(value)
    shape = f"{parts.scheme}://{parts.netloc}"
    if value != shape or parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError(f"{name} must be an origin such as https://cover.example")


def check_facilitator_url(value: str, *, local: bool) -> None:
    """A URL without credentials; https unless the facilitator is on this machine or the development chain."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise ValueError("facilitator_url must be a URL such as https://facilitator.example")
    # The bearer key travels in every request.
    if parts.scheme == "http" and not local and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ValueError("facilitator_url must be https:// unless it is on this machine")


def check_proxies(value: str) -> None:
    """Comma separated addresses or networks of proxies, none of which is the whole internet."""
    for part in filter(None, (part.strip() for part in value.split(","))):
        try:
            network = ip_network(part)
        except ValueError:
            raise ValueError(f"trusted_proxies: {part} is no IP address or network") from None
        if network.prefixlen == 0:
            raise ValueError("trusted_proxies: everybody cannot be trusted")
