"""A business in the middle of its life: an order or claim of every kind, each of a buyer of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace

from liqpass.adapters.okx.simulator.closes import Close
from liqpass.domain.parameters import CONSERVATIVE
from liqpass.records import Claim, Order
from payout_steps import approve_and_execute, build
from web_world import BUYER, OTHER_BUYER, REVIEWER, Wallet, WebWorld

ROOMY = replace(CONSERVATIVE, max_active_policies=20, max_recent_policies=20)
"""Parameters under which one buyer may hold all of it."""

PAID_BUYER = Wallet("0x" + "b3" * 32)


def lower(wallet: Wallet) -> str:
    """The wallet as the book writes it."""
    return wallet.address.lower()


@dataclass(frozen=True)
class Scene:
    """What there is. All of it is BUYER's, but for `paid` (PAID_BUYER's) and `others` (OTHER_BUYER's)."""

    paid: Claim
    held: Claim
    batched: Claim
    approved: Claim
    pending: Claim
    doubtful: Claim  # NEEDS_REVIEW
    others: Claim
    draft: Order
    bound: Order
    liquidated: Order  # covered, its position gone
    batches: tuple[int, int]  # closed, built
    unmatched_tx: str


def set_up(web: WebWorld) -> Scene:
    """Two days of business. Takes the parameters ROOMY."""
    buyer, reviewer = lower(BUYER), lower(REVIEWER)

    def approved(name: str, of: str = buyer) -> Claim:
        return web.do.reviewing.approve(web.claimed(name, of).id, reviewer=reviewer).claim

    held, paid = approved("held"), approved("paid", lower(PAID_BUYER))
    closed = build(web)
    approve_and_execute(web, closed, refused=(buyer,))
    web.chain.settle()
    web.do.reconciling.reconcile()
    batched = approved("batched")
    built = build(web)
    doubtful = web.claimed("doubtful", buyer, Close.PARTIAL_LIQUIDATION)
    waiting, pending = approved("approved"), web.claimed("pending", buyer)
    others = web.claimed("others", lower(OTHER_BUYER))
    liquidated = web.covered("liquidated", buyer)
    web.liquidate("liquidated")
    bound, strange = web.bound("bound", buyer), web.bound("strange", buyer)
    unmatched_tx = web.chain.pay(strange, amount=1)
    web.chain.mine(web.parameters.confirmations)
    web.do.syncing.sync()
    return Scene(
        paid=web.do.reviewing.show(paid.id)[0],
        held=web.do.reviewing.show(held.id)[0],
        batched=web.do.reviewing.show(batched.id)[0],
        approved=waiting,
        pending=pending,
        doubtful=doubtful,
        others=others,
        draft=web.do.selling.create_order(buyer, actor="buyer"),
        bound=bound,
        liquidated=liquidated,
        batches=(closed.batch.id, built.batch.id),
        unmatched_tx=unmatched_tx,
    )
