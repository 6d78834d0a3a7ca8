"""`liqpass settings`: which environment variables there are, read from the settings' own definition."""

from __future__ import annotations

from dataclasses import dataclass

import click
from pydantic import SecretStr

from liqpass.domain.parameters import CONSERVATIVE
from liqpass.entrypoints.cli.session import json_option, show_json, show_table
from liqpass.settings import Settings


@dataclass(frozen=True, slots=True)
class Known:
    """A variable that may be set; `default` as it would be written, empty where there is none."""

    name: str
    meaning: str
    default: str


def known_settings() -> list[Known]:
    """Every variable with its meaning and default. Nothing of the environment is in it."""
    known = []
    for field, info in Settings.model_fields.items():
        default = info.get_default(call_default_factory=True)
        if isinstance(default, SecretStr):
            default = default.get_secret_value()  # of the source text, not of the environment
        name = f"LIQPASS_{field.upper()}" + ("__<NAME>" if field == "parameters" else "")
        known.append(Known(name, info.description or "", str(default) if default else ""))
    return known


@click.command()
@json_option
def settings(as_json: bool) -> None:
    """List every LIQPASS_… variable with its meaning and default; what is set now is not shown.

    LIQPASS_PARAMETERS__<NAME> overrides one parameter, such as LIQPASS_PARAMETERS__PREMIUM=2.50: amounts in
    USDC, the rest whole numbers. `liqpass params` shows the values that hold.
    """
    rows = [
        {"name": each.name, "default": each.default, "meaning": each.meaning} for each in known_settings()
    ]
    names = list(CONSERVATIVE.as_json())
    if as_json:
        show_json({"settings": rows, "parameters": names})
        return
    show_table(rows, ("name", "default", "meaning"))
    click.echo("\nNAME in LIQPASS_PARAMETERS__<NAME> is one of:")
    click.echo("\n".join(f"  {name.upper()}" for name in names))
