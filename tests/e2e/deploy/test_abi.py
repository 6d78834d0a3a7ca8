"""The ABIs that the package ships are those of the contracts beside it."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import ape
import pytest
from liqpass.adapters.chain.contracts import abi_of

REPOSITORY = Path(__file__).resolve().parents[3]
NAMES = (
    "Checkout",
    "IUSDC",
    "LiqPassAccessManager",
    "MockFeed",
    "MockUSDC",
    "OpenParametric",
    "PayoutVault",
)


@pytest.fixture(scope="module")
def writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_abi", REPOSITORY / "tools" / "write_abi.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", NAMES)
def test_abi__shipped__equals_the_build(writer: ModuleType, name: str) -> None:
    compiled = ape.project.contracts.get(name)
    assert compiled is not None, f"{name} does not compile"

    abi = [entry.model_dump(mode="json", exclude_none=True, by_alias=True) for entry in compiled.abi]

    assert name in writer.CONTRACTS
    assert _comparable(abi_of(name)) == _comparable(abi)


def test_stale_files__one_changed_one_missing_one_extra__names_all_three(
    writer: ModuleType, tmp_path: Path
) -> None:
    texts = {name: writer.render([{"type": "function", "name": name}]) for name in ("A", "B", "C")}
    (tmp_path / "A.json").write_text(texts["A"])
    (tmp_path / "B.json").write_text(texts["B"].replace("function", "event"))
    (tmp_path / "Removed.json").write_text("[]\n")

    stale = writer.stale_files(texts, tmp_path)

    assert [path.name for path in stale] == ["B.json", "C.json", "Removed.json"]


def _comparable(abi: list[dict[str, object]]) -> set[str]:
    """Entries as text, without the empty fields that ape's model adds or drops."""
    return {json.dumps(_without_empty(entry), sort_keys=True) for entry in abi}


def _without_empty(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_empty(item) for key, item in value.items() if item not in (None, [], False)}
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    return value
