"""The numbers that PyTorch drew, so that a run can be repeated elsewhere: as a problem file has them, and as JSON."""

from __future__ import annotations

import math
import textwrap
from fractions import Fraction
from typing import Any

import numpy as np

from derive.problem.problem import Quantity
from verify.result import Result

MAX_SHOWN = 400  # numbers of one parameter in the report; JSON has all of them


def drawn(result: Result) -> tuple[Quantity, ...]:
    """The parameters that PyTorch drew, with their numbers."""
    return tuple(quantity for quantity in result.problem.parameters if quantity.draw is not None)


def drawn_lines(result: Result, width: int) -> list[str]:
    """Each drawn parameter as [parameters] takes it, in lines of at most `width` characters."""
    lines: list[str] = []
    for quantity in drawn(result):
        dtype = result.settings.dtype
        how = f"{quantity.name}: {quantity.draw}, drawn by PyTorch {result.record.torch_version} in {dtype}"
        lines += ["", *textwrap.wrap(how, width, subsequent_indent="  ", break_long_words=False)]
        if math.prod(quantity.shape) > MAX_SHOWN:
            lines.append(f"  {math.prod(quantity.shape):,} numbers; --format json prints them")
            continue
        text = f"{quantity.name} = {_listed(nested(quantity, dtype))}"
        lines += textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="    ", break_long_words=False)
    return lines


def drawn_document(quantity: Quantity, dtype: str) -> dict[str, object]:
    """One drawn parameter for JSON."""
    return {
        "name": quantity.name,
        "drawn": str(quantity.draw),
        "shape": list(quantity.shape),
        "values": nested(quantity, dtype),
    }


def nested(quantity: Quantity, dtype: str) -> Any:
    """The numbers in nested lists, each the shortest decimal that reads back as the same number of the dtype."""
    flat: list[Any] = [_shortest(value, dtype) for value in quantity.values]
    for size in reversed(quantity.shape[1:]):
        flat = [flat[start : start + size] for start in range(0, len(flat), size)]
    return flat if quantity.shape else flat[0]


def _shortest(value: Fraction, dtype: str) -> float:
    return float(str(np.float32(float(value)))) if dtype == "float32" else float(value)


def _listed(value: Any) -> str:
    """A number or nested lists as TOML."""
    return f"[{', '.join(map(_listed, value))}]" if isinstance(value, list) else repr(value)
