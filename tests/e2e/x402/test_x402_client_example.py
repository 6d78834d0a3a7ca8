"""The example in the docstring of `liqpass.x402.client`, as it stands there."""

from __future__ import annotations

import textwrap

import liqpass.x402.client
import pytest
from insured_world import CLIENT, PRICE, PROVIDER, InsuredWorld, Running
from offering import declared, environment
from shop import Shop, over_http
from web3 import Web3


def test_example__of_the_docstring__pays_and_shows_the_receipt(
    world: InsuredWorld,
    facilitator: Running,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = liqpass.x402.client.__doc__ or ""
    example = textwrap.dedent("\n".join(line for line in text.splitlines() if line.startswith("    ")))
    before = (world.balance(CLIENT), world.balance(PROVIDER))
    for name, value in environment(world, tmp_path_factory.mktemp("example")).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CLIENT_KEY", world.node.account(CLIENT).key.hex())
    with Shop(world, over_http(facilitator.url), declares=declared(world)).serving() as url:
        monkeypatch.setenv("URL", f"{url}/work")
        exec(example, {})

    client, provider = before
    commitment, _ = world.locks()[-1]
    assert capsys.readouterr().out == (f'200 {{"result":"42"}}\nto be claimed by {Web3.to_hex(commitment)}\n')
    assert (world.balance(CLIENT), world.balance(PROVIDER)) == (client - PRICE, provider + PRICE)
