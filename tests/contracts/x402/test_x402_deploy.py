"""What an X402InsuranceV2 is from its first block on."""

import pytest
from insured_payments import MAX_TIMEOUT_MINUTES, NOBODY
from logs import event, events_of
from reverts import reverts_with


@pytest.fixture
def create(project, deployer, usdc, treasury, manager):
    """create(…): deploys with these arguments in place of the good ones."""

    def run(*, token=usdc, money_to=treasury, authority=manager, rate=200, timeout=5):
        return deployer.deploy(project.X402InsuranceV2, token, money_to, authority, rate, timeout)

    return run


def test_deploy__arguments__stored_and_told(create, usdc, treasury, manager):
    insurance = create()

    assert insurance.usdc() == usdc.address
    assert insurance.treasury() == insurance.platformTreasury() == treasury.address
    assert insurance.authority() == manager.address
    assert (insurance.platformPenaltyRate(), insurance.defaultTimeout()) == (200, 5)
    assert (insurance.MAX_PENALTY_RATE(), insurance.MAX_TIMEOUT_MINUTES()) == (1_000, 10_080)
    assert (insurance.NOTICE_PERIOD(), insurance.IDLE_PERIOD()) == (7 * 86_400, 180 * 86_400)
    assert (insurance.liabilities(), insurance.penalties()) == (0, 0)
    assert not insurance.paused()
    assert events_of(insurance.creation_metadata.receipt) == [
        event(insurance, "AuthorityUpdated", authority=manager),
        event(insurance, "TreasurySet", treasury=treasury),
        event(insurance, "PlatformPenaltyRateSet", penaltyRate=200),
        event(insurance, "DefaultTimeoutSet", timeoutMinutes=5),
    ]


@pytest.mark.parametrize(("rate", "timeout"), [(0, 1), (1_000, MAX_TIMEOUT_MINUTES)])
def test_deploy__numbers_at_their_bounds__stored(rate, timeout, create):
    insurance = create(rate=rate, timeout=timeout)

    assert (insurance.platformPenaltyRate(), insurance.defaultTimeout()) == (rate, timeout)


def test_deploy__usdc_without_code__reverts(create, insurance, stranger):
    with reverts_with(insurance.NotAContract, account=stranger):
        create(token=stranger)


def test_deploy__authority_without_code__reverts(create, insurance, stranger):
    with reverts_with(insurance.NotAContract, account=stranger):
        create(authority=stranger)


@pytest.mark.parametrize("wrong", ["zero", "usdc"])
def test_deploy__treasury_where_money_would_stick__reverts(wrong, create, insurance, usdc):
    where = {"zero": NOBODY, "usdc": usdc.address}[wrong]

    with reverts_with(insurance.InvalidTreasury, treasury=where):
        create(money_to=where)


def test_deploy__penalty_above_a_tenth__reverts(create, insurance):
    with reverts_with(insurance.PenaltyRateTooHigh, penaltyRate=1_001, most=1_000):
        create(rate=1_001)


@pytest.mark.parametrize("minutes", [0, MAX_TIMEOUT_MINUTES + 1])
def test_deploy__default_timeout_out_of_bounds__reverts(minutes, create, insurance):
    with reverts_with(insurance.TimeoutOutOfRange, timeoutMinutes=minutes, least=1, most=MAX_TIMEOUT_MINUTES):
        create(timeout=minutes)


def test_deploy__code__fits_into_eip_170(insurance):
    assert len(insurance.provider.get_code(insurance.address)) < 24_576


def test_deploy__domain__is_the_documents(insurance, chain):
    assert tuple(insurance.eip712Domain()) == (
        b"\x0f",
        "X402InsuranceV2",
        "1",
        chain.chain_id,
        insurance.address,
        b"\0" * 32,
        [],
    )
