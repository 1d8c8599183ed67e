"""Whether a model compiles to the same SQL whatever command compiles it.

`verify` proves what `dbt compile` makes of a model, and a build runs what `dbt build` makes of it.
They are the same where the model's Jinja does nothing but call macros with constants: it then asks
neither for the command (`flags.WHICH`) nor for anything else that differs between the two.
"""

from __future__ import annotations

import functools

import jinja2
from jinja2 import nodes

from hipaa_mode import PACKAGE

OF_DBT = ("config", "ref", "source")
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Const,
    nodes.Keyword,
    nodes.List,
    nodes.Dict,
    nodes.Pair,
)


@functools.cache
def is_plain(code: str) -> bool:
    """Tell whether a model's Jinja is calls of the package's macros, config, ref and source."""
    try:
        template = jinja2.Environment().parse(code)
    except jinja2.TemplateError:
        return False
    return _is_plain(template)


def _is_plain(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Call):
        if node.dyn_args is not None or node.dyn_kwargs is not None or not _is_ours(node.node):
            return False
        return all(_is_plain(argument) for argument in (*node.args, *node.kwargs))
    return isinstance(node, _ALLOWED) and all(_is_plain(one) for one in node.iter_child_nodes())


def _is_ours(called: nodes.Node) -> bool:
    if isinstance(called, nodes.Name):
        return called.name in OF_DBT
    return (
        isinstance(called, nodes.Getattr)
        and isinstance(called.node, nodes.Name)
        and called.node.name == PACKAGE
    )
