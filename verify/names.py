"""What every number of a run is called, on both sides."""

from __future__ import annotations

from collections.abc import Collection

from derive.graph.gradient_names import gradient_name


def state_name(parameter: str, state: str) -> str:
    """The name of the optimizer's state `v` of the parameter `w`: `w.v`."""
    return f"{parameter}.{state}"


def parameter_of(name: str) -> str:
    """The parameter `w` of a state `w.v`; a name without a point is returned as it is."""
    return name.partition(".")[0]


def adjoint_of(name: str) -> str:
    """The program's name for ∂loss/∂`name`."""
    return f"∂{name}"


def own_result(name: str) -> str:
    """The name of a line's calculated result, for its derivative, where later lines read a recorded number instead."""
    return f"{name}°"


def clipped(name: str) -> str:
    """The name under which the gradient of a parameter stands after clipping."""
    return f"{adjoint_of(name)}|"


def updated(name: str) -> str:
    """The name under which a parameter stands after its update."""
    return f"{name}'"


Name = tuple[str, str]  # the group of a number ("gradients") and the name it belongs to


def beside(name: str, word: str, taken: Collection[str]) -> str:
    """`w_before`, which stands beside `w`; `w.before` where `taken`, the problem's names, have a `w_before`."""
    return f"{name}_{word}" if f"{name}_{word}" not in taken else f"{name}.{word}"


def gradient_beside(loss: str, name: str, word: str, taken: Collection[str]) -> str:
    """`dl/dw_before`; `dl/dw.before` where a `w_before` has a gradient of that name."""
    return gradient_name(loss, beside(name, word, taken))


def clipped_name(loss: str, parameter: str, taken: Collection[str]) -> str:
    """What the gradient of a parameter is called in tables after clipping: `dl/dw_clipped`."""
    return gradient_beside(loss, parameter, "clipped", taken)


def rate_name(rate: str) -> str:
    """The name in the comparison of a number that changes from step to step: `optimizer.lr`."""
    return f"optimizer.{rate}"


def quantity(name: Name, loss: str, taken: Collection[str]) -> str:
    """The name of a quantity in tables: `dl/dw` for ("gradients", "w") and the loss `l`.

    `taken` are the problem's own names, which no other quantity gets.
    """
    group, of = name
    labels = {
        "before": beside(of, "before", taken),
        "accumulated": gradient_beside(loss, of, "before", taken),
        "adjoints": gradient_name(loss, of),
        "gradients": gradient_name(loss, of),
        "clipped": clipped_name(loss, of, taken),
        "rates": rate_name(of),
    }
    return labels.get(group, of)


def rate_label(rate: str, group: int | None = None) -> str:
    """The head of the column of lr or another rate: `lr`, and `lr[1]` for the group 1; groups are counted from 0."""
    return f"{rate}[{group}]" if group else rate
