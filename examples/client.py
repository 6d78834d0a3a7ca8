"""Pays for one call with the stock SDK: nothing of ours is needed to be covered."""

import os
import sys

from eth_account import Account
from x402 import SpendControlAsset, x402ClientSync
from x402.http import decode_payment_required_header, decode_payment_response_header
from x402.http.clients import x402_requests
from x402.mechanisms.evm.exact import register_exact_evm_client
from x402.mechanisms.evm.signers import EthAccountSigner

client = x402ClientSync()
register_exact_evm_client(client, EthAccountSigner(Account.from_key(os.environ["CLIENT_KEY"])))
if "USDC" in os.environ:  # on a chain of one's own; Circle's the SDK knows
    usdc = os.environ["USDC"]
    mock = SpendControlAsset(network="eip155:31337", asset=usdc, max_amount_per_payment="1000000")
    client.set_spend_controls({"allowed_assets": [mock]})

answer = x402_requests(client).get(sys.argv[1], timeout=60)
print(answer.status_code, answer.text)
if answer.status_code == 402:  # not served; what was paid all the same is given back
    if settled := answer.headers.get("payment-response"):
        sys.exit(decode_payment_response_header(settled).error_reason or 1)
    sys.exit(decode_payment_required_header(answer.headers["payment-required"]).error or 1)
answer.raise_for_status()
receipt = decode_payment_response_header(answer.headers["payment-response"])
print(receipt.model_dump_json(by_alias=True, exclude_none=True))  # keep it
