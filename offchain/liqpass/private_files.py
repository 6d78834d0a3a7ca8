"""Files that hold a secret: only their owner may read them."""

from __future__ import annotations

import stat
from pathlib import Path


def shared_with_others(path: Path) -> str | None:
    """In words, that the file's mode lets others read or write it; None where it does not. Raises OSError."""
    mode = stat.S_IMODE(path.stat().st_mode)
    return f"{path} has mode {mode:04o}: others must not read it (chmod 600)" if mode & 0o077 else None
