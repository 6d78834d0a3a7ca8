"""`liqpass settings`: which environment variables there are, read from the settings' own definition."""

from __future__ import annotations

import click

from liqpass.domain.parameters import CONSERVATIVE
from liqpass.entrypoints.cli.session import json_option, show_json, show_table
from liqpass.settings import known_settings


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
