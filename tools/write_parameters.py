"""Write docs/parameters.md from the settings and the rules themselves (`make docs`).

`--check` writes nothing and ends with 1 when the page differs from them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from liqpass.domain.money import format_usdc, usdc
from liqpass.domain.parameters import AMOUNTS, BOUNDS, CONSERVATIVE, MEANINGS
from liqpass.entrypoints.cli.configuration import known_settings

PAGE = Path(__file__).resolve().parents[1] / "docs" / "parameters.md"
_HEAD = """# Settings and parameters

Written by `make docs` from `settings.py` and `domain/parameters.py`; `liqpass settings` and `liqpass params`
print the same of an installation.

## Settings

Environment variables. What is secret comes from the environment or from a file of mode 0600, never from
an argument. Lists are comma separated. An unknown `LIQPASS_…` variable is refused: a misspelt one would leave
its default in force.

| variable | meaning | default |
|---|---|---|
"""
_RULES = """
## Parameters

The rules of a policy, fixed when its order is created: `LIQPASS_PARAMETERS__<NAME>` changes one for
the orders after a restart. Amounts are USDC (`50.00`), the rest whole numbers. A changed set has another
version (`liqpass params`), which the signers must list in `deployments/parameters/<chain>.yaml`
(`params_versions`) before they pay policies sold under it.

| name | meaning | unit | value | bounds |
|---|---|---|---|---|
"""
_TAIL = """
Together: premium < payout cap ≤ daily cap ≤ hot wallet maximum; open exposure ≥ one payout, by default five
daily caps; recent policies ≥ active ones. The version of the values above is `{version}`.

The warnings of the overview and of `/metrics` have their thresholds in `overseeing/alerts.py`;
[operations.md](operations.md) says what to do about each.
"""
_UNITS = {"_s": "seconds", "_bps": "1/10000", "_min": "minutes", "_minute": "minute of the day"}


def render() -> str:
    """The page."""
    lines = [_HEAD]
    for setting in known_settings():
        default = f"`{setting.default}`" if setting.default else "–"
        lines.append(f"| `{setting.name}` | {setting.meaning.replace('|', '¦')} | {default} |\n")
    lines.append(_RULES)
    values = CONSERVATIVE.as_json()
    for name, (low, high) in BOUNDS.items():
        bounds = "more than 0" if name in AMOUNTS else f"{low} to {high}"
        row = (f"`{name}`", MEANINGS[name], _unit(name), _shown(name, int(values[name])), bounds)
        lines.append(f"| {' | '.join(row)} |\n")
    lines.append(_TAIL.format(version=CONSERVATIVE.params_version))
    return "".join(lines)


def _unit(name: str) -> str:
    if name in AMOUNTS:
        return "USDC"
    return next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), "number")


def _shown(name: str, number: int) -> str:
    return format_usdc(usdc(number)) if name in AMOUNTS else str(number)


def main() -> int:
    """0, or 1 where `--check` found the page out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    if parser.parse_args().check:
        if PAGE.read_text() == render():
            return 0
        sys.stderr.write(f"{PAGE} is out of date: run `make docs`\n")
        return 1
    PAGE.write_text(render())
    return 0


if __name__ == "__main__":
    sys.exit(main())
