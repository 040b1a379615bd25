"""The update rules, one entry each, in the paper notation.

From an entry come the rule that is printed, the step that is calculated by hand, and its bound.
"""

from __future__ import annotations

from dataclasses import dataclass

from derive.errors import Place
from derive.expression import Expr, Ref, replace
from derive.paper import read_expression


@dataclass(frozen=True)
class UpdateRule:
    """An optimizer by its name in `torch.optim`, and its equation for a parameter p with gradient g."""

    name: str
    equation: str

    @property
    def expr(self) -> Expr:
        """The equation's right-hand side in the names p, g, lr, which are scalars to it."""
        place = Place(self.name, text=self.equation)
        return replace(read_expression(self.equation, place), lambda ref: Ref(ref.name, ()))


# torch.optim.SGD without options: param.add_(grad, alpha=-lr).
_RULES = (UpdateRule("SGD", "p - lr*g"),)

UPDATES = {rule.name: rule for rule in _RULES}
OPTIMIZERS = tuple(UPDATES)
