"""How a table counts: from 1, or from 0 as programs do."""

from __future__ import annotations

from dataclasses import dataclass

from verify.claims.claim import Quantity


@dataclass(frozen=True)
class Counting:
    """The columns (`epoch`) that count from 0, and whether the parameters of a row are those its step begins with."""

    from_0: tuple[str, ...] = ()
    begins: bool = False

    @property
    def told(self) -> str:
        """How the table was read, where it does not count from 1."""
        if not self.from_0:
            return ""
        found = f"the table counts from 0 (in {' and '.join(self.from_0)}): its row 0 is read as the first step"
        return f"{found}, and its parameters as those a step begins with" if self.begins else found

    def of(self, quantity: Quantity) -> Quantity:
        """The quantity that a column is about."""
        if self.begins and quantity.group == "after":
            return Quantity("before", quantity.name, f"{quantity.name}_before")
        return quantity


FROM_1 = Counting()
NOT_COUNTED = ("after", "before", "setting")  # what a row 0 may hold where a table counts from 1: the beginning
