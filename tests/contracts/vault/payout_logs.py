"""The logs of one payout in `executeBatch`."""

from logs import event


def executed(vault, batch, item, name="PayoutExecuted"):
    """The event of one payout."""
    _, policy_no, recipient, amount, evidence = item
    return event(
        vault,
        name,
        batchId=batch.batch_id,
        policyNo=policy_no,
        recipient=recipient,
        amount=amount,
        evidenceHash=evidence,
    )


def transfer(vault, usdc, item):
    return event(usdc, "Transfer", **{"from": vault, "to": item[2], "value": item[3]})
