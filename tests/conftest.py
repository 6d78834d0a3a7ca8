"""ape's faults are repaired, and its node asked less, before any test of ape runs."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    if config.pluginmanager.has_plugin("ape_test"):  # tests without ape do not wait until it is imported
        for plugin in ("ape_repairs", "ape_questions", "node_connection"):
            config.pluginmanager.import_plugin(plugin)
