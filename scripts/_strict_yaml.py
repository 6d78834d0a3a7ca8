"""YAML that others wrote: each key once, few levels, no anchors, by which a few lines stand for gigabytes."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

MAX_DEPTH = 16  # our own files have six; PyYAML's time grows with the square of it


def load_strict(text: str | bytes) -> Any:
    """The document. Raises yaml.YAMLError for all that is none, or does not say what it seems to."""
    try:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader
    except ValueError as error:  # no such date, a number too long
        raise yaml.YAMLError(str(error)) from None


class _StrictLoader(yaml.SafeLoader):
    """PyYAML silently keeps the last of two equal keys."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "anchors are not used here", None)
        if self._depth == MAX_DEPTH:
            raise yaml.composer.ComposerError(None, None, f"nested deeper than {MAX_DEPTH} levels", None)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        twice = {str(key) for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(
                None, None, f"twice: {', '.join(sorted(twice))}", node.start_mark
            )
        return super().construct_mapping(node, deep=deep)
