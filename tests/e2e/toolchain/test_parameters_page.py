"""docs/parameters.md says what the code says."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

from liqpass.domain.parameters import BOUNDS, MEANINGS, Parameters

REPOSITORY = Path(__file__).resolve().parents[3]


def test_parameters_page__in_the_tree__is_what_make_docs_writes() -> None:
    done = subprocess.run(
        [sys.executable, REPOSITORY / "tools" / "write_parameters.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_parameters__each__has_a_meaning_and_bounds() -> None:
    names = [field.name for field in fields(Parameters)]

    assert list(MEANINGS) == list(BOUNDS) == names
