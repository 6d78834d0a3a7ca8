"""A provider that named no delivery key: zero is nobody's address, and no key's sender may be anybody."""

import pytest
from insured_payments import LOCK, NOBODY, Status
from reverts import reverts_with

pytestmark = pytest.mark.usefixtures("bonded")


@pytest.mark.parametrize("who", ["stranger", "settler", "client", "config"])
def test_attack_confirm_without_a_delivery_key__sent_by_anybody__reverts(
    who, insurance, actors, provider, settle
):
    request = settle()
    insurance.setDeliveryKey(NOBODY, sender=provider)

    with reverts_with(insurance.InvalidConfirmation, commitment=request, provider=provider):
        insurance.confirmService(request, b"", sender=actors[who])

    assert insurance.policies(request).status == Status.OPEN
    assert insurance.lockedBond(provider) == LOCK
