"""The revert checks themselves: what must fail, fails."""

import pytest
from reverts import reverts_with, reverts_with_panic, reverts_with_string, reverts_without_reason

OTHER_DAY = 20350514
ROOT = b"\x01" * 32


@pytest.fixture
def today(clock):
    return clock.today


def wrong_day(vault, approver):
    vault.approveBatch(OTHER_DAY, ROOT, 1, sender=approver)


def short_of_usdc(usdc, stranger):
    usdc.transfer(usdc.DOMAIN_SEPARATOR()[:20].hex(), 1, sender=stranger)


def test_reverts_with__same_error_and_inputs__passes(vault, approver, today):
    with reverts_with(vault.NotToday, batchId=OTHER_DAY, today=today):
        wrong_day(vault, approver)


def test_reverts_with__wrong_input__fails(vault, approver, today):
    with (
        pytest.raises(AssertionError, match=rf"'today': {today}"),
        reverts_with(vault.NotToday, batchId=OTHER_DAY, today=today + 1),
    ):
        wrong_day(vault, approver)


def test_reverts_with__input_left_out__fails(vault, approver):
    with pytest.raises(AssertionError, match="inputs are"), reverts_with(vault.NotToday, batchId=OTHER_DAY):
        wrong_day(vault, approver)


def test_reverts_with__unknown_input__fails(vault, approver, today):
    with (
        pytest.raises(AssertionError, match="inputs are"),
        reverts_with(vault.NotToday, batchId=OTHER_DAY, today=today, tomorrow=0),
    ):
        wrong_day(vault, approver)


def test_reverts_with__other_error_of_same_shape__fails(vault, approver):
    with (
        pytest.raises(AssertionError, match="expected NotApproved"),
        reverts_with(vault.NotApproved, batchId=OTHER_DAY),
    ):
        wrong_day(vault, approver)


def test_reverts_with__no_revert__fails(vault, guardian):
    with pytest.raises(AssertionError, match="did not revert"), reverts_with(vault.EnforcedPause):
        vault.pause(sender=guardian)


def test_reverts_with__string_revert__fails(vault, usdc, stranger):
    with (
        pytest.raises(AssertionError, match="transfer amount exceeds balance"),
        reverts_with(vault.EnforcedPause),
    ):
        short_of_usdc(usdc, stranger)


def test_reverts_with__failed_assertion_inside__is_not_a_revert(vault):
    with pytest.raises(AssertionError, match="mine"), reverts_with(vault.EnforcedPause):
        raise AssertionError("mine")


def test_reverts_with__python_error_inside__is_raised(vault):
    with pytest.raises(ZeroDivisionError), reverts_with(vault.EnforcedPause):
        _ = 1 // 0


def test_reverts_with__openzeppelin_error_without_inputs__passes(vault, unpauser):
    with reverts_with(vault.ExpectedPause):
        vault.unpause(sender=unpauser)


def test_reverts_with__error_of_another_contract_in_the_call__is_decoded(vault, manager, config):
    data = vault.setDailyCap.encode_input(1)
    with reverts_with(
        manager.AccessManagerNotScheduled, operationId=manager.hashOperation(config, vault, data)
    ):
        vault.setDailyCap(1, sender=config)


def test_reverts_with_string__same_message__passes(usdc, stranger):
    with reverts_with_string("ERC20: transfer amount exceeds balance"):
        short_of_usdc(usdc, stranger)


def test_reverts_with_string__part_of_the_message__fails(usdc, stranger):
    with (
        pytest.raises(AssertionError, match="exceeds balance"),
        reverts_with_string("ERC20: transfer amount"),
    ):
        short_of_usdc(usdc, stranger)


def test_reverts_with_string__custom_error__fails(vault, approver):
    with pytest.raises(AssertionError, match="b1937ca1"), reverts_with_string("NotToday"):
        wrong_day(vault, approver)


def test_reverts_with_panic__overflow__passes(usdc, stranger):
    usdc.increaseAllowance(stranger, 2**256 - 1, sender=stranger)
    with reverts_with_panic(0x11):
        usdc.increaseAllowance(stranger, 1, sender=stranger)


def test_reverts_with_panic__other_code__fails(usdc, stranger):
    usdc.increaseAllowance(stranger, 2**256 - 1, sender=stranger)
    with pytest.raises(AssertionError, match="expected panic 0x1,"), reverts_with_panic(0x01):
        usdc.increaseAllowance(stranger, 1, sender=stranger)


def test_reverts_without_reason__undecodable_boolean__passes(vault, stranger, chain):
    with reverts_without_reason():
        chain.provider.web3.eth.call({"to": vault.address, "from": stranger.address, "data": "0x12345678"})


def test_reverts_without_reason__custom_error__fails(vault, approver):
    with pytest.raises(AssertionError, match="expected no data"), reverts_without_reason():
        wrong_day(vault, approver)
