"""What every number of a run is called, on both sides."""

from __future__ import annotations

from derive.graph.gradient_names import gradient_name


def state_name(parameter: str, state: str) -> str:
    """What a state of a parameter is called: `w.v`."""
    return f"{parameter}.{state}"


def parameter_of(name: str) -> str:
    """The parameter that `w.v` is a state of; a parameter itself."""
    return name.partition(".")[0]


def adjoint_of(name: str) -> str:
    """The program's name for ∂loss/∂`name`."""
    return f"∂{name}"


def own_result(name: str) -> str:
    """What a line has given by itself, for its own derivative, where later lines go on with a recorded number."""
    return f"{name}°"


def clipped(name: str) -> str:
    """The name under which the gradient of a parameter stands after clipping."""
    return f"{adjoint_of(name)}|"


def updated(name: str) -> str:
    """The name under which a parameter stands after its update."""
    return f"{name}'"


Name = tuple[str, str]  # the group of a number ("gradients") and the name it belongs to


def clipped_name(loss: str, parameter: str) -> str:
    """What the gradient of a parameter is called in tables after clipping: `dl/dw_clipped`."""
    return f"{gradient_name(loss, parameter)}_clipped"


def rate_name(rate: str) -> str:
    """What a number that changes from step to step is called in tables: `optimizer.lr`."""
    return f"optimizer.{rate}"


def quantity(name: Name, loss: str) -> str:
    """What the numbers are called in tables."""
    group, of = name
    labels = {
        "before": f"{of}_before",
        "accumulated": f"{gradient_name(loss, of)}_before",
        "adjoints": gradient_name(loss, of),
        "gradients": gradient_name(loss, of),
        "clipped": clipped_name(loss, of),
        "rates": rate_name(of),
    }
    return labels.get(group, of)


def rate_label(rate: str, group: int | None = None) -> str:
    """The column of lr and the like: `lr`; of the groups after the first, counted from 0, `lr[1]`."""
    return f"{rate}[{group}]" if group else rate
