"""What ape compiled: creation bytes, constructor arguments by name, compiler, commit, explorer input."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import ape
from eth_abi.abi import encode
from hexbytes import HexBytes

_SOURCES = ("contracts", "ape-config.yaml", "package-lock.json")


class BuildError(Exception):
    """A contract does not compile, or cannot be deployed from this build."""


class Build:
    """The project's contracts as ape compiled them; compiles what has changed."""

    def __init__(self) -> None:
        self._project = ape.project
        self._types: dict[str, Any] = {}

    def creation(self, contract: str, arguments: Mapping[str, str | int]) -> bytes:
        """Creation code and encoded constructor arguments. Raises BuildError when they do not fit."""
        compiled = self._type(contract)
        inputs = compiled.constructor.inputs if compiled.constructor else []
        if [parameter.name for parameter in inputs] != list(arguments):
            raise BuildError(f"{contract} takes {[parameter.name for parameter in inputs]}")
        encoded = encode([str(parameter.type) for parameter in inputs], list(arguments.values()))
        return bytes(HexBytes(compiled.deployment_bytecode.bytecode)) + encoded

    def compiler(self, contract: str) -> str:
        """Version and settings that decide the bytecode."""
        self._type(contract)
        for compiler in self._project.manifest.compilers or ():
            if contract in (compiler.contractTypes or ()):
                settings = compiler.settings or {}
                optimizer = settings.get("optimizer", {})
                parts = [f"solc {compiler.version}", f"evm {settings.get('evmVersion')}"]
                parts.append(
                    f"optimizer runs {optimizer.get('runs')}" if optimizer.get("enabled") else "no optimizer"
                )
                return ", ".join([*parts, *(["via-ir"] if settings.get("viaIR") else [])])
        raise BuildError(f"the build does not say what compiled {contract}")

    def explorer_input(self, contract: str) -> str:
        """The standard-JSON input that explorers verify the source with."""
        source = self._project.path / self._type(contract).source_id
        compiler = ape.compilers.get_compiler("solidity")
        if compiler is None:
            raise BuildError("ape has no Solidity compiler")
        inputs = cast(Any, compiler).get_standard_input_json([source], project=self._project)
        return json.dumps(next(iter(inputs.values())), indent=1, sort_keys=True) + "\n"

    def commit(self) -> str:
        """The commit of the sources; `-dirty` when contracts or their settings differ from it."""
        return commit_of(Path(self._project.path))

    def _type(self, contract: str) -> Any:
        if contract not in self._types:
            found = self._project.contracts.get(contract)
            if found is None:
                raise BuildError(f"{contract} is not in the build: does it compile?")
            self._types[contract] = found.contract_type
        return self._types[contract]


def commit_of(repository: Path) -> str:
    """See `Build.commit`. Raises BuildError outside a git repository."""

    def git(*arguments: str) -> str:
        ran = subprocess.run(["git", *arguments], cwd=repository, capture_output=True, text=True, check=False)  # noqa: S603, S607
        if ran.returncode != 0:
            raise BuildError(f"git {arguments[0]}: {ran.stderr.strip()}")
        return ran.stdout.strip()

    dirty = git("status", "--porcelain", "--", *_SOURCES)
    return git("rev-parse", "HEAD") + ("-dirty" if dirty else "")
