"""The contract as deployed: nobody's, and small enough."""

from reverts import reverts_with


def test_deploy__usdc__is_fixed(parametric, usdc):
    assert parametric.usdc() == usdc.address
    assert parametric.MAX_POLICYHOLDERS() == 128


def test_deploy__usdc_without_code__reverts(project, parametric, deployer, stranger):
    with reverts_with(parametric.NotAContract, account=stranger):
        deployer.deploy(project.OpenParametric, stranger)


def test_deploy__runtime_code__is_below_20_kilobytes(parametric, chain):
    assert len(chain.provider.get_code(parametric.address)) < 20_000


def test_deploy__functions__nobody_rules(parametric):
    names = {method.name for method in parametric.contract_type.mutable_methods}

    assert names == {
        "createPolicy",
        "openUnderwriting",
        "acceptShare",
        "acceptShareWithPermit",
        "rejectShare",
        "replaceShare",
        "failUnderwriting",
        "registerPolicyholder",
        "activatePolicy",
        "checkOracle",
        "approveClaim",
        "rejectClaim",
        "settleClaim",
        "expirePolicy",
        "refund",
        "withdraw",
        "payCredit",
    }
