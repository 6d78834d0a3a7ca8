"""Every restricted function against every role: the matrix is made from the ABI, so that a new function fails
until it is listed in `governance`."""

import pytest
from governance import (
    ADMIN,
    ALSO_ADMITTED,
    APPROVER,
    CONFIG,
    FUNCTION_ROLES,
    GUARDIAN,
    MANAGER_ONLY,
    OPEN_FUNCTIONS,
    PAYER,
    UNPAUSER,
    selector_of,
)
from reverts import reverts_with

ROLE_OF_ACTOR = {
    "admin": ADMIN,
    "config": CONFIG,
    "unpauser": UNPAUSER,
    "guardian": GUARDIAN,
    "approver": APPROVER,
    "payer": PAYER,
    "deployer": None,
    "treasury": None,
    "stranger": None,
    "provider": None,
    "settler": None,
}
MATRIX = [
    (contract, function, actor)
    for contract, functions in FUNCTION_ROLES.items()
    for function in functions
    for actor in ROLE_OF_ACTOR
]


def admitted(contract, function):
    """Roles that the function takes directly, at once or (CONFIG) after its delay."""
    roles = {FUNCTION_ROLES[contract][function]}
    if contract == "PayoutVault" and function in ALSO_ADMITTED:
        roles.add(ALSO_ADMITTED[function])
    return roles


REFUSED = [row for row in MATRIX if ROLE_OF_ACTOR[row[2]] not in admitted(row[0], row[1])]
DELAYED = [row for row in MATRIX if ROLE_OF_ACTOR[row[2]] == CONFIG == FUNCTION_ROLES[row[0]][row[1]]]
REFUSED_BY_MANAGER = [row for row in MATRIX if ROLE_OF_ACTOR[row[2]] != FUNCTION_ROLES[row[0]][row[1]]]


@pytest.fixture
def contracts(checkout, vault, insurance):
    return {"Checkout": checkout, "PayoutVault": vault, "X402InsuranceV2": insurance}


def zeros(abi_inputs):
    """Arguments that every type accepts: access is checked before them."""
    plain = {"address": "0x" + "00" * 20, "bytes32": b"\0" * 32}
    return [
        [] if item.canonical_type.endswith("[]") else plain.get(item.canonical_type, 0) for item in abi_inputs
    ]


def encoded(contract, function):
    """Calldata of `function` with zeros."""
    method = contract.contract_type.mutable_methods[function]
    return getattr(contract, function).encode_input(*zeros(method.inputs))


def simulate(contract, function, sender):
    """The call without a transaction: anvil answers with the revert's bytes, and nothing changes."""
    data = encoded(contract, function)
    contract.provider.web3.eth.call({"to": contract.address, "from": sender.address, "data": data})


@pytest.mark.parametrize("name", FUNCTION_ROLES)
def test_abi__every_function_that_changes_state__is_listed(name, contracts):
    in_abi = [method.name for method in contracts[name].contract_type.mutable_methods]

    assert sorted(in_abi) == sorted([*FUNCTION_ROLES[name], *OPEN_FUNCTIONS[name], *MANAGER_ONLY])


@pytest.mark.parametrize("name", FUNCTION_ROLES)
def test_manager__every_restricted_function__has_its_role(name, contracts, manager):
    contract = contracts[name]

    stored = {
        function: manager.getTargetFunctionRole(contract, selector_of(contract, function))
        for function in FUNCTION_ROLES[name]
    }

    assert stored == FUNCTION_ROLES[name]


@pytest.mark.parametrize(("name", "function", "actor"), REFUSED)
def test_restricted__other_role_holder__reverts(name, function, actor, contracts, actors):
    contract, sender = contracts[name], actors[actor]

    with reverts_with(contract.AccessManagedUnauthorized, caller=sender):
        simulate(contract, function, sender)


@pytest.mark.parametrize(("name", "function", "actor"), DELAYED)
def test_restricted__config_without_schedule__reverts(name, function, actor, contracts, actors, manager):
    contract, sender = contracts[name], actors[actor]
    data = encoded(contract, function)

    with reverts_with(
        manager.AccessManagerNotScheduled, operationId=manager.hashOperation(sender, contract, data)
    ):
        simulate(contract, function, sender)


@pytest.mark.parametrize("actor", ROLE_OF_ACTOR)
@pytest.mark.parametrize("name", FUNCTION_ROLES)
def test_set_authority__anybody_but_the_manager__reverts(name, actor, contracts, actors):
    contract, sender = contracts[name], actors[actor]

    with reverts_with(contract.AccessManagedUnauthorized, caller=sender):
        simulate(contract, "setAuthority", sender)


@pytest.mark.parametrize(("name", "function", "actor"), REFUSED_BY_MANAGER)
def test_restricted__other_role_holder_through_manager__reverts(
    name, function, actor, contracts, actors, manager
):
    contract, sender = contracts[name], actors[actor]
    call = manager.execute.encode_input(contract, encoded(contract, function))

    with reverts_with(
        manager.AccessManagerUnauthorizedCall,
        caller=sender,
        target=contract,
        selector=selector_of(contract, function),
    ):
        manager.provider.web3.eth.call({"to": manager.address, "from": sender.address, "data": call})
