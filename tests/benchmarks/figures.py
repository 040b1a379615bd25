"""Counts, largest values, samples and alarms that can be added up and kept as JSON."""

from __future__ import annotations

from typing import Any

KEPT_ALARMS = 50


class Figures:
    """`counts` add up, of `maxima` the larger stays, `samples` and `alarms` are listed."""

    def __init__(self, stored: dict[str, Any] | None = None) -> None:
        stored = stored or {}
        self.counts: dict[str, dict[str, float]] = stored.get("counts", {})
        self.maxima: dict[str, dict[str, float]] = stored.get("maxima", {})
        self.alarms: list[list[str]] = stored.get("alarms", [])

    def stored(self) -> dict[str, Any]:
        """The figures as JSON has them."""
        return {"counts": self.counts, "maxima": self.maxima, "alarms": self.alarms}

    def add(self, what: str, of: str, number: float = 1) -> None:
        """Counts."""
        group = self.counts.setdefault(what, {})
        group[of] = group.get(of, 0) + number

    def most(self, what: str, of: str, number: float) -> None:
        """Keeps the largest."""
        group = self.maxima.setdefault(what, {})
        group[of] = max(group.get(of, 0.0), number)

    def alarm(self, place: str, text: str) -> None:
        """A number that is wrong without a plant."""
        if len(self.alarms) < KEPT_ALARMS:
            self.alarms.append([place, text])

    def join(self, other: Figures) -> None:
        """Takes the figures of another chunk in."""
        for what, group in other.counts.items():
            for of, number in group.items():
                self.add(what, of, number)
        for what, group in other.maxima.items():
            for of, number in group.items():
                self.most(what, of, number)
        for place, text in other.alarms:
            self.alarm(place, text)

    def total(self, what: str, start: str = "") -> float:
        """The sum of a count over all that begins with `start`."""
        return sum(number for of, number in self.counts.get(what, {}).items() if of.startswith(start))
