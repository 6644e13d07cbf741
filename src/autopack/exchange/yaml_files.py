"""YAML to plain values, unless it says far more than it holds."""

from typing import Any, Final

import yaml

from autopack.values.bounds import VALUES_MOST

_USED_MOST: Final = 10


def loaded(text: str) -> Any:
    """
    Return the values of a YAML document.

    What is named once and used many times counts as often: nine names that each use the one
    before ten times are a thousand million values, in a few lines.

    Raises:
        ValueError: It holds itself, is far too large once every name is put in its place, or says
            one key of a table twice.
        yaml.YAMLError: It is malformed.
    """
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _check_size(node)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _check_size(root: yaml.Node) -> None:
    """Count what each node stands for, from the leaves up; no node is looked at twice."""
    sizes: dict[int, int] = {}
    begun: set[int] = set()
    pending = [root]
    while pending:
        node = pending[-1]
        children = _children(node)
        if id(node) in begun:
            pending.pop()
            _check_keys(node)
            sizes.setdefault(id(node), 1 + sum(sizes[id(child)] for child in children))
            continue
        begun.add(id(node))
        for child in children:
            if id(child) not in begun:
                pending.append(child)
            elif id(child) not in sizes:
                raise ValueError("it is a part of itself")
    total = sizes[id(root)]
    if total > max(VALUES_MOST, _USED_MOST * len(sizes)):
        more = "once every name in it stands for what it names"
        raise ValueError(f"it holds over {VALUES_MOST:,} values, {more}")


def _check_keys(node: yaml.Node) -> None:
    keys = [key for key, _value in node.value] if isinstance(node, yaml.MappingNode) else []
    said: set[tuple[str, str]] = set()
    for key in keys:
        is_plain = isinstance(key, yaml.ScalarNode) and key.value != "<<"
        if is_plain and (key.tag, key.value) in said:
            line = key.start_mark.line + 1
            raise ValueError(f"{key.value!r} is said twice in one table (at line {line})")
        said.add((key.tag, str(key.value)))


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
