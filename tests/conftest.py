"""ape's faults are repaired before any test of ape runs."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    if config.pluginmanager.has_plugin("ape_test"):  # tests without ape do not wait until it is imported
        config.pluginmanager.import_plugin("ape_repairs")
