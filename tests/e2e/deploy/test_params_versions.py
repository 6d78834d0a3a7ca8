"""The rules under which a signer pays: listed in the chain's own file of parameters."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ape_runs import REPOSITORY, change_parameters, deployments_folder
from liqpass.domain.parameters import CONSERVATIVE

from scripts._parameters import ParametersError, load_parameters

VERSION = CONSERVATIVE.params_version


@pytest.mark.parametrize("chain", ["local", "base-sepolia", "base"])
def test_params_versions__shipped__are_those_of_the_shipped_defaults(chain: str) -> None:
    document = yaml.safe_load((REPOSITORY / "deployments" / "parameters" / f"{chain}.yaml").read_text())

    assert document["params_versions"]["value"] == [VERSION]
    assert document["params_versions"]["source"]


def test_load_parameters__two_versions__both_allowed(tmp_path: Path) -> None:
    folder = _with_versions(tmp_path, [VERSION, "0" * 16])

    assert load_parameters(folder / "parameters" / "local.yaml").params_versions == (VERSION, "0" * 16)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([], "params_versions must be a list of at least one version"),
        (VERSION, "params_versions must be a list of at least one version"),
        (
            [VERSION.upper()],
            "params_versions must hold 16 hex digits in quotation marks, not '0157150D513465C6'",
        ),
        ([1571505134656], "params_versions must hold 16 hex digits in quotation marks, not 1571505134656"),
        ([VERSION, VERSION], f"params_versions names {VERSION} twice"),
    ],
)
def test_load_parameters__versions_malformed__refused(tmp_path: Path, value: Any, reason: str) -> None:
    folder = _with_versions(tmp_path, value)

    with pytest.raises(ParametersError, match=re.escape(reason)):
        load_parameters(folder / "parameters" / "local.yaml")


def test_load_parameters__no_versions__refused(tmp_path: Path) -> None:
    folder = deployments_folder(tmp_path)
    change_parameters(folder, "local", lambda document: document.pop("params_versions"))

    with pytest.raises(ParametersError, match="params_versions is missing"):
        load_parameters(folder / "parameters" / "local.yaml")


def _with_versions(tmp_path: Path, value: Any) -> Path:
    folder = deployments_folder(tmp_path)

    def change(document: dict[str, Any]) -> None:
        document["params_versions"]["value"] = value

    change_parameters(folder, "local", change)
    return folder
