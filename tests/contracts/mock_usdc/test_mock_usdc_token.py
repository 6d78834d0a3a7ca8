"""MockUSDC as a token: supply, transfers, allowances."""

import pytest
from logs import event, events_of
from reverts import reverts_with_panic, reverts_with_string

NOBODY = "0x" + "00" * 20
MAX = 2**256 - 1


def test_metadata__as_on_base_sepolia(usdc, circle):
    assert (usdc.name(), usdc.symbol(), usdc.decimals()) == ("USDC", "USDC", 6)
    assert (usdc.version(), usdc.currency(), usdc.controller()) == ("2", "USD", circle.address)


def test_initialize__again__reverts(usdc, stranger):
    with reverts_with_string("FiatToken: contract is already initialized"):
        usdc.initialize("Other", stranger, sender=stranger)


def test_deploy__no_controller__reverts(project, deployer):
    implementation = deployer.deploy(project.MockUSDC)

    with reverts_with_string("FiatToken: new owner is the zero address"):
        deployer.deploy(project.MockUSDCProxy, implementation, "USDC", NOBODY)


def test_mint__controller__creates(usdc, circle, stranger):
    tx = usdc.mint(stranger, 5, sender=circle)

    assert events_of(tx) == [
        event(usdc, "Mint", minter=circle, to=stranger, amount=5),
        event(usdc, "Transfer", **{"from": NOBODY, "to": stranger, "value": 5}),
    ]
    assert (usdc.balanceOf(stranger), usdc.totalSupply()) == (5, 5)


@pytest.mark.parametrize("function", ["mint", "pause", "unpause", "blacklist", "unBlacklist"])
def test_controller_function__stranger__reverts(function, usdc, stranger):
    arguments = {"mint": (stranger, 1), "blacklist": (stranger,), "unBlacklist": (stranger,)}.get(
        function, ()
    )

    with reverts_with_string("Ownable: caller is not the owner"):
        getattr(usdc, function)(*arguments, sender=stranger)


def test_mint__to_nobody__reverts(usdc, circle):
    with reverts_with_string("FiatToken: mint to the zero address"):
        usdc.mint(NOBODY, 1, sender=circle)


def test_mint__nothing__reverts(usdc, circle, stranger):
    with reverts_with_string("FiatToken: mint amount not greater than 0"):
        usdc.mint(stranger, 0, sender=circle)


@pytest.mark.parametrize("value", [0, 400, 1000])
def test_transfer__within_balance__moves(value, usdc, holder, stranger):
    tx = usdc.transfer(stranger, value, sender=holder)

    assert events_of(tx) == [event(usdc, "Transfer", **{"from": holder, "to": stranger, "value": value})]
    assert (usdc.balanceOf(holder), usdc.balanceOf(stranger)) == (1000 - value, value)
    assert usdc.totalSupply() == 1000


def test_transfer__to_itself__keeps_the_balance(usdc, holder):
    usdc.transfer(holder, 400, sender=holder)

    assert usdc.balanceOf(holder) == 1000


def test_transfer__more_than_the_balance__reverts(usdc, holder, stranger):
    with reverts_with_string("ERC20: transfer amount exceeds balance"):
        usdc.transfer(stranger, 1001, sender=holder)


def test_transfer__to_nobody__reverts(usdc, holder):
    with reverts_with_string("ERC20: transfer to the zero address"):
        usdc.transfer(NOBODY, 1, sender=holder)


def test_transfer__to_the_token__reverts(usdc, holder):
    with reverts_with_string("Blacklistable: account is blacklisted"):
        usdc.transfer(usdc, 1, sender=holder)


def test_transfer_from__within_allowance__moves_and_uses_it(usdc, holder, spender, stranger):
    usdc.approve(spender, 500, sender=holder)

    tx = usdc.transferFrom(holder, stranger, 400, sender=spender)

    assert events_of(tx) == [event(usdc, "Transfer", **{"from": holder, "to": stranger, "value": 400})]
    assert usdc.allowance(holder, spender) == 100
    assert (usdc.balanceOf(holder), usdc.balanceOf(stranger)) == (600, 400)


def test_transfer_from__largest_allowance__is_used_up_too(usdc, holder, spender, stranger):
    usdc.approve(spender, MAX, sender=holder)

    usdc.transferFrom(holder, stranger, 400, sender=spender)

    assert usdc.allowance(holder, spender) == MAX - 400


def test_transfer_from__above_allowance__reverts(usdc, holder, spender, stranger):
    usdc.approve(spender, 399, sender=holder)

    with reverts_with_string("ERC20: transfer amount exceeds allowance"):
        usdc.transferFrom(holder, stranger, 400, sender=spender)


def test_approve__again__replaces(usdc, holder, spender):
    usdc.approve(spender, 500, sender=holder)

    tx = usdc.approve(spender, 7, sender=holder)

    assert events_of(tx) == [event(usdc, "Approval", owner=holder, spender=spender, value=7)]
    assert usdc.allowance(holder, spender) == 7


def test_approve__nobody__reverts(usdc, holder):
    with reverts_with_string("ERC20: approve to the zero address"):
        usdc.approve(NOBODY, 7, sender=holder)


def test_increase_and_decrease_allowance__add_and_subtract(usdc, holder, spender):
    usdc.increaseAllowance(spender, 10, sender=holder)
    tx = usdc.decreaseAllowance(spender, 4, sender=holder)

    assert events_of(tx) == [event(usdc, "Approval", owner=holder, spender=spender, value=6)]
    assert usdc.allowance(holder, spender) == 6


def test_increase_allowance__overflow__reverts(usdc, holder, spender):
    usdc.increaseAllowance(spender, MAX, sender=holder)

    with reverts_with_panic(0x11):
        usdc.increaseAllowance(spender, 1, sender=holder)


def test_decrease_allowance__below_zero__reverts(usdc, holder, spender):
    with reverts_with_string("ERC20: decreased allowance below zero"):
        usdc.decreaseAllowance(spender, 1, sender=holder)
