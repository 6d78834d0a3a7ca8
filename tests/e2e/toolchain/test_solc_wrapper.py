"""`tools/solc`: npm's compiler where ape, forge and slither expect a native one."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
SOLC = REPOSITORY / "tools" / "solc" / "solc-v0.8.30"


def solc(*arguments: str, standard_input: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SOLC, *arguments], input=standard_input, capture_output=True, text=True, check=False
    )


def standard_json(source: str, outputs: list[str]) -> str:
    return json.dumps(
        {
            "language": "Solidity",
            "sources": {"A.sol": {"content": source}},
            "settings": {"outputSelection": {"*": {"*": outputs, "": ["ast"]}}},
        }
    )


def test_version__is_the_pinned_compiler() -> None:
    answer = solc("--version")

    assert answer.returncode == 0
    assert "Version: 0.8.30+commit.73712a01" in answer.stdout


def test_standard_json__four_megabytes__compiles() -> None:
    # npm's own wrapper aborts at about 2 MB: the input goes over the WebAssembly stack there.
    padding = "// a line of padding that makes the source long\n" * 90_000
    request = standard_json(padding + "pragma solidity 0.8.30; contract A {}", ["evm.bytecode.object"])
    assert len(request) > 4_000_000

    answer = solc("--standard-json", standard_input=request)

    assert answer.returncode == 0
    assert json.loads(answer.stdout)["contracts"]["A.sol"]["A"]["evm"]["bytecode"]["object"].startswith("60")


def test_standard_json__output_above_a_pipe_buffer__is_whole() -> None:
    functions = "".join(
        f"function f{i}(uint256 x) external pure returns (uint256) {{ return x + {i}; }}" for i in range(400)
    )

    answer = solc("--standard-json", standard_input=standard_json(f"contract A {{ {functions} }}", ["abi"]))

    assert len(answer.stdout) > 65_536
    assert len(json.loads(answer.stdout)["contracts"]["A.sol"]["A"]["abi"]) == 400


def test_standard_json__magic_identifiers__are_negative_as_in_native_compilers() -> None:
    source = "contract A { function f() external view returns (address) { return msg.sender; } }"

    answer = solc("--standard-json", standard_input=standard_json(source, ["abi"]))

    assert '"referencedDeclaration":-15' in answer.stdout
    assert '"referencedDeclaration":4294967' not in answer.stdout


def test_other_arguments__are_refused() -> None:
    answer = solc("--bin", "A.sol")

    assert answer.returncode == 1
    assert "usage" in answer.stderr


def test_native_tools__failure__is_seen() -> None:
    # npm's launcher of forge exits with 0 whatever forge says; the Makefile puts the native tool first.
    forge = REPOSITORY / "node_modules" / ".native" / "forge"

    assert (
        subprocess.run(
            [forge, "fmt", "--check", "no-such-file.sol"], capture_output=True, check=False
        ).returncode
        != 0
    )
