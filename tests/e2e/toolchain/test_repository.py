"""What must hold of every committed file."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
# Written so that this file does not match itself.
REGISTRIES = re.compile(rb"regis[t]ry\.npm|npm[m]irror|py[p]i\.org|python[h]osted|deb\.deb[i]an")
FOUNDRY_PLATFORMS = {"linux-amd64", "linux-arm64", "darwin-amd64", "darwin-arm64", "win32-amd64"}


def committed_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True).stdout
    return [REPOSITORY / name.decode() for name in listed.split(b"\0") if name]


def test_committed_files__name_no_registry() -> None:
    assert [
        str(path) for path in committed_files() if path.is_file() and REGISTRIES.search(path.read_bytes())
    ] == []


def test_python_lock__every_pin_has_a_hash() -> None:
    pins = re.split(r"^(?=\S+==)", (REPOSITORY / "requirements.lock").read_text(), flags=re.MULTILINE)[1:]

    assert len(pins) > 100
    assert [pin.splitlines()[0] for pin in pins if "--hash=sha256:" not in pin] == []


def test_node_lock__every_platform_of_foundry_is_there() -> None:
    locked = json.loads((REPOSITORY / "package-lock.json").read_text())["packages"]

    for tool in ("anvil", "forge"):
        found = {name.split(f"@foundry-rs/{tool}-")[1] for name in locked if f"@foundry-rs/{tool}-" in name}
        assert found == FOUNDRY_PLATFORMS


def test_node_lock__every_platform_of_esbuild_is_there() -> None:
    locked = json.loads((REPOSITORY / "package-lock.json").read_text())["packages"]
    wanted = locked["node_modules/esbuild"]["optionalDependencies"]

    assert len(wanted) > 20
    assert {name for name in wanted if "integrity" not in locked[f"node_modules/{name}"]} == set()


def test_test_files__have_names_of_their_own() -> None:
    # pytest imports them by base name: two of one name cannot be run together.
    names = [
        path.name for path in committed_files() if path.name.startswith("test_") and path.suffix == ".py"
    ]

    assert sorted(names) == sorted(set(names))


def test_test_files__each_is_run_by_make_test_exactly_once() -> None:
    runs = re.findall(r"tests/[\w/*.\[\]-]+", (REPOSITORY / "tools" / "run_tests").read_text())
    covered = [path for run in runs for path in sorted(REPOSITORY.glob(run))]
    files = [path for path in committed_files() if path.name.startswith("test_") and path.suffix == ".py"]

    times = {
        str(path.relative_to(REPOSITORY)): sum(path == run or run in path.parents for run in covered)
        for path in files
    }

    assert {name: number for name, number in times.items() if number != 1} == {}
