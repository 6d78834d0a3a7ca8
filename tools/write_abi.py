"""Write the ABIs that the Python package ships, from ape's build (`make abi` compiles first).

The package must work without ape and without a compiler, so it carries the JSON. `--check` writes nothing and
ends with 1 when a file differs from the build.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
BUILD = REPOSITORY / ".build" / "__local__.json"
ABI_FOLDER = REPOSITORY / "offchain" / "liqpass" / "abi"
CONTRACTS = (
    "Checkout",
    "IUSDC",
    "LiqPassAccessManager",
    "MockFeed",
    "MockUSDC",
    "OpenParametric",
    "PayoutVault",
    "X402InsuranceV2",
)


def render(abi: list[dict[str, Any]]) -> str:
    """The text of one ABI file. solc already sorts the entries, so equal sources give equal text."""
    return json.dumps(abi, indent=1, sort_keys=True) + "\n"


def abis_of(build: Path) -> dict[str, str]:
    """File text by contract name, for each contract that the package speaks to.

    Raises SystemExit, which says what to do, when the build is missing or lacks a contract.
    """
    try:
        contract_types = json.loads(build.read_bytes())["contractTypes"]
    except FileNotFoundError:
        raise SystemExit(f"{build} is missing: run `ape compile` first") from None
    missing = [name for name in CONTRACTS if name not in contract_types]
    if missing:
        raise SystemExit(f"the build lacks {', '.join(missing)}: run `ape compile --force`")
    return {name: render(contract_types[name]["abi"]) for name in CONTRACTS}


def stale_files(texts: dict[str, str], folder: Path) -> list[Path]:
    """ABI files that differ from the build, are missing, or belong to no contract, in order of name."""
    expected = {folder / f"{name}.json": text for name, text in texts.items()}
    stale = {path for path, text in expected.items() if not path.is_file() or path.read_text() != text}
    return sorted(stale | (set(folder.glob("*.json")) - set(expected)))


def main(arguments: list[str] | None = None) -> int:
    """Write what differs, or only tell with `--check`; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; end with 1 if a file is stale")
    options = parser.parse_args(arguments)
    texts = abis_of(BUILD)
    stale = stale_files(texts, ABI_FOLDER)
    if options.check:
        for path in stale:
            print(f"{path.relative_to(REPOSITORY)} differs from the build: run `make abi`")  # noqa: T201
        return 1 if stale else 0
    ABI_FOLDER.mkdir(exist_ok=True)
    for path in stale:
        if path.stem in texts:
            path.write_text(texts[path.stem])
        else:
            path.unlink()
        print(f"wrote {path.relative_to(REPOSITORY)}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
