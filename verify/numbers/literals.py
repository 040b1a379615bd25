"""What all number systems share: a single literal is taken as many are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from numpy.typing import NDArray


class Literals(ABC):
    """Exact literals as numbers of a system."""

    @abstractmethod
    def constants(self, values: Sequence[Fraction]) -> NDArray[Any]:
        """The literals as an array of one dimension: rounded, if the system rounds."""

    def constant(self, value: Fraction) -> NDArray[Any]:
        """One of them, as an array without dimensions."""
        return self.constants((value,)).reshape(())
