"""Where the service's log lines go: standard error, for systemd or whoever watches."""

from __future__ import annotations

import logging
import sys


def log_to_stderr() -> None:
    """Ours from INFO on, everybody else's from WARNING on."""
    logging.basicConfig(
        level=logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
        force=True,
    )
    logging.getLogger("liqpass").setLevel(logging.INFO)
