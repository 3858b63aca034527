"""Conditions on the columns of a pool, written as text: ``sharpness > 50 and source == 'ego4d'``.

Python's own parser reads them; nothing is executed. Axes: N hands of the pool.
"""

import ast
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from simhand_mm.pool.reader import HandPool

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], np.ndarray]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda values, choices: np.isin(values, choices),
    ast.NotIn: lambda values, choices: ~np.isin(values, choices),
}
_EXAMPLE = "\"sharpness > 50 and source in ('ego4d', '100doh')\""


def rows_where(pool: HandPool, condition: str) -> np.ndarray:
    """Whether each hand meets a condition.

    A condition compares columns with constants by ``== != < <= > >= in not in``, and joins
    comparisons by ``and``, ``or``, ``not`` and parentheses. A number that is missing (NaN, as the
    sharpness in pools of older versions) meets no comparison other than ``!=`` and ``not in``.

    Args:
        pool: The pool.
        condition: The condition.

    Returns:
        ``[N]`` bool.

    Raises:
        ValueError: If the condition contains anything else, names a column that the pool does not
            have or whose rows are lists, or compares text with numbers.

    Example::

        rows = np.flatnonzero(rows_where(HandPool("data/pool"), "50 < sharpness <= 900"))
    """
    try:
        tree = ast.parse(condition.strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(
            f"the condition must be written like {_EXAMPLE}, but got {condition!r} ({error.msg})."
        ) from error
    return _evaluate(tree, pool)


def _evaluate(node: ast.expr, pool: HandPool) -> np.ndarray:
    if isinstance(node, ast.BoolOp):
        join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        return join.reduce([_evaluate(value, pool) for value in node.values])
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return ~_evaluate(node.operand, pool)
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        pairs = zip(sides, node.ops, sides[1:], strict=False)
        return np.logical_and.reduce([_compare(*pair, pool) for pair in pairs])
    raise _refusal(node)


def _compare(left: ast.expr, kind: ast.cmpop, right: ast.expr, pool: HandPool) -> np.ndarray:
    sides = (left, right)
    names = {side.id for side in sides if isinstance(side, ast.Name)}
    if type(kind) not in _COMPARISONS or not names:
        raise _refusal(right)
    is_list = isinstance(kind, (ast.In, ast.NotIn))
    if is_list and not (isinstance(left, ast.Name) and isinstance(right, (ast.Tuple, ast.List))):
        raise _refusal(right)
    # Texts occur many times: one column of them is compared by its distinct values.
    coded = pool.text_codes(*names) if len(names) == 1 else None
    columns = {name: _column(pool, name) if coded is None else coded[1] for name in names}
    values = [_operand(side, columns) for side in sides]
    kinds = {np.asarray(value).dtype.kind in "US" for value in values}
    if len(kinds) > 1:
        raise ValueError(
            f"both sides of a comparison must be text or both numbers, but got "
            f"{ast.unparse(left)!r} and {ast.unparse(right)!r}. Write text in quotes, numbers "
            "without."
        )
    result = _COMPARISONS[type(kind)](*values)
    return result if coded is None else result[coded[0]]


def _column(pool: HandPool, name: str) -> np.ndarray:
    column = pool.values(name)
    if column.ndim != 1:
        raise ValueError(
            f"columns of a condition must have one value per hand, but {name!r} has "
            f"{column.shape[1:]}."
        )
    return column


def _operand(node: ast.expr, columns: dict[str, np.ndarray]) -> Any:
    """A column, a constant, or a list of constants of one kind."""
    if isinstance(node, ast.Name):
        return columns[node.id]
    if isinstance(node, (ast.Tuple, ast.List)) and node.elts:
        choices = [_constant(element) for element in node.elts]
        if len({isinstance(choice, str) for choice in choices}) == 1:
            return choices
    return _constant(node)


def _constant(node: ast.expr) -> str | float:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        raise _refusal(node) from None
    if not isinstance(value, (str, int, float)):
        raise _refusal(node)
    return value


def _refusal(node: ast.expr) -> ValueError:
    return ValueError(
        f"a condition must compare columns with constants, like {_EXAMPLE}, but got "
        f"{ast.unparse(node)!r}."
    )
