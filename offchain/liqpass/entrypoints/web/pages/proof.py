"""The public proof of a payout, behind an unguessable address.

It is verified from the leaf's hash (`SimpleMerkleTree`), not from the leaf's values (`StandardMerkleTree`):
these hold the trader's wallet and the amount. What ties the leaf to the evidence hash is on chain, in the
event of the transaction that is named.
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from liqpass.entrypoints.web.identity import ServiceOf
from liqpass.entrypoints.web.pages.failures import PageRoute
from liqpass.entrypoints.web.pages.rendering import page
from liqpass.entrypoints.web.pages.states import CLAIMS, shown
from liqpass.payouts import PublicProof

router = APIRouter(route_class=PageRoute)


@router.get("/proof/{token}")
def proof(request: Request, service: ServiceOf, token: str) -> Response:
    """Hashes and times, and their check in the reader's browser."""
    found = service.use_cases.publishing.proof(token)
    return page(
        request, "proof.html", proof=found, claim_shown=shown(CLAIMS, found.state), by_hand=_by_hand(found)
    )


def _by_hand(found: PublicProof) -> str:
    nodes = "".join(f'\n  "{node}",' for node in found.proof)
    return (
        'import { SimpleMerkleTree } from "@openzeppelin/merkle-tree";\n'
        "console.log(SimpleMerkleTree.verify(\n"
        f'  "{found.payout_root}",\n'
        f'  "{found.leaf}",\n'
        f"  [{nodes}{chr(10) + '  ' if nodes else ''}],\n"
        "));"
    )
