"""Gas of approving and executing a batch, beside a bare loop of the same transfers."""

from __future__ import annotations

from liqpass.domain.merkle import Payout, PayoutTree
from liqpass.domain.money import Usdc
from web3.contract import Contract
from web3.logs import DISCARD

from benchmarks.figures import Figure
from benchmarks.stage import PAYOUT, TX_GAS_LIMIT, Stage, TooMuchGasError

COUNTS = (1, 10, 100, 500)
LARGEST = COUNTS[-1]
SUCCESSOR_COUNT = 100  # a vault with a predecessor also asks that one about each policy

# What a bare loop over 500 recipients costs a recipient, measured on Circle's own FiatTokenV2_2.
CIRCLE_FLOOR = {"existing": 10_867, "new": 27_967}
GOAL = {"existing": 1.30, "new": 1.12}


def measure(stage: Stage) -> list[Figure]:
    """Approval, batches of each size to new and existing holders, and the largest from a second vault."""
    figures = [_approve(stage)]
    for holders in ("existing", "new"):
        for count in COUNTS:
            largest = count == LARGEST
            figures.append(
                Figure(
                    f"executeBatch, {count} {holders}",
                    _execute(stage, stage.vault, count, holders),
                    "loop of transfers",
                    _bare_loop(stage, count, holders),
                    count=count,
                    goal=GOAL[holders] if largest else None,
                    limit=TX_GAS_LIMIT if largest and holders == "new" else None,
                    circle=CIRCLE_FLOOR[holders] if largest else None,
                )
            )
    figures.append(
        Figure(
            f"executeBatch, {SUCCESSOR_COUNT} new, with a predecessor",
            _execute(stage, stage.successor, SUCCESSOR_COUNT, "new"),
            "loop of transfers",
            _bare_loop(stage, SUCCESSOR_COUNT, "new"),
            count=SUCCESSOR_COUNT,
        )
    )
    return figures


def _tree(stage: Stage, batch_id: int, count: int) -> PayoutTree:
    return PayoutTree.of(
        [
            Payout(batch_id, number, recipient, Usdc(PAYOUT), stage.evidence_hash(number))
            for number, recipient in enumerate(stage.recipients(count), start=1)
        ]
    )


def _approve(stage: Stage) -> Figure:
    actors = stage.actors
    with stage.as_before():
        call = stage.usdc.functions.approve(actors.payer.address, PAYOUT)
        bare = stage.transact(call, actors.payee)["gasUsed"]
    with stage.as_before():
        batch_id = stage.vault.functions.today().call()
        root = _tree(stage, batch_id, 1).root
        call = stage.vault.functions.approveBatch(batch_id, root, PAYOUT)
        return Figure("approveBatch", stage.transact(call, actors.approver)["gasUsed"], "approve", bare)


def _make_holders(stage: Stage, count: int) -> None:
    stage.pay_bare([(recipient, 1) for recipient in stage.recipients(count)])


def _bare_loop(stage: Stage, count: int, holders: str) -> int:
    with stage.as_before():
        if holders == "existing":
            _make_holders(stage, count)
        return stage.pay_bare([(recipient, PAYOUT) for recipient in stage.recipients(count)])["gasUsed"]


def _execute(stage: Stage, vault: Contract, count: int, holders: str) -> int | None:
    """Gas of a whole batch in one transaction; None when it does not fit."""
    with stage.as_before():
        if holders == "existing":
            _make_holders(stage, count)
        batch_id = vault.functions.today().call()
        tree = _tree(stage, batch_id, count)
        approval = vault.functions.approveBatch(batch_id, tree.root, count * PAYOUT)
        stage.transact(approval, stage.actors.approver)
        multiproof = tree.multiproof(range(count))
        payouts = [
            (
                payout.batch_id,
                payout.policy_no,
                stage.web3.to_checksum_address(payout.recipient),
                payout.amount,
                payout.evidence_hash,
            )
            for payout in multiproof.payouts
        ]
        call = vault.functions.executeBatch(batch_id, payouts, list(multiproof.proof), list(multiproof.flags))
        try:
            receipt = stage.transact(call, stage.actors.payer)
        except TooMuchGasError:
            return None
        paid = vault.events.PayoutExecuted().process_receipt(receipt, errors=DISCARD)
        assert len(paid) == count, f"{len(paid)} of {count} payouts paid"
        return receipt["gasUsed"]
