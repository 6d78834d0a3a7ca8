"""`executeBatch` against the service's trees of every size that a day's batch is likely to have."""

import random

import pytest
from amounts import USDC
from eth_utils import function_signature_to_4byte_selector
from web3.exceptions import Web3Exception

WRONG_PROOF = function_signature_to_4byte_selector("WrongProof(uint64,bytes32)").hex()
RECIPIENT = "0x00000000000000000000000000000000000000B0"


def test_execute__trees_of_1_to_257_payouts__whole_and_part_accepted_and_a_bent_part_refused(
    filled_vault, approver, payer, today_batch
):
    eth = approver.provider.web3.eth
    choices = random.Random(257)

    def simulated(execution):
        call = {"from": payer.address, "to": filled_vault.address}
        return eth.call({**call, "data": filled_vault.executeBatch.encode_input(*execution)})

    for size in range(1, 258):
        # Nothing is paid, so that the next root may replace this one.
        batch = today_batch(*((number, RECIPIENT, USDC // 10) for number in range(1, size + 1)))
        approval = filled_vault.approveBatch.encode_input(*batch.terms)
        sent = eth.send_transaction({"from": approver.address, "to": filled_vault.address, "data": approval})
        # A busy node mines after it has answered: the root before this one would still be there.
        eth.wait_for_transaction_receipt(sent, timeout=30, poll_latency=0.01)
        part = sorted(choices.sample(range(size), choices.randint(1, size)))

        assert simulated(batch.execution()) == b""
        assert simulated(batch.execution(part)) == b""

        batch_id, items, proof, flags = batch.execution(part)
        bent = (*items[0][:3], items[0][3] + 1, items[0][4])
        with pytest.raises(Web3Exception, match=WRONG_PROOF):
            simulated((batch_id, [bent, *items[1:]], proof, flags))
