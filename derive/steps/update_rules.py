"""What the update section says of gradients that add up over several batches."""

from __future__ import annotations

from typing import NamedTuple

from derive.problem.problem import Training
from derive.steps.equations import Section

_EACH = "after each batch"
_CLIPPED = "that of each batch is added to what clipping has left of those"


class Gathering(NamedTuple):
    """When the parameters are updated, and the sentence about the gradient in the update; both for the section."""

    when: str = _EACH
    sentence: str = ""


PLAIN = Gathering()


def gathering(training: Training, has_data: bool) -> Gathering:
    """What `zero_grad` and `accumulate` of a problem file come to."""
    count, zero = training.accumulate or 1, training.zero_grad
    if count > 1:
        end, fewer = (" and at the end of an epoch", ", fewer at the end of an epoch") if has_data else ("", "")
        return Gathering(
            f"after every {count} batches{end}",
            f"Each gradient in the update is the sum over the last {count} batches{fewer}, all at the same parameters; "
            "then it is set to zero.",
        )
    if zero is None or int(zero) == 1:
        return PLAIN
    if training.clip_grad_norm is not None or training.clip_grad_value is not None:
        when, since = (
            (f"set to zero before every {zero} steps", "since then") if zero else ("never set to zero", "before")
        )
        return Gathering(_EACH, f"The gradient is {when}: {_CLIPPED} {since}.")
    if not zero:
        return Gathering(
            _EACH,
            "The gradient is never set to zero: each gradient in the update is the sum over all batches so far, "
            "each at the parameters of its own step.",
        )
    return Gathering(
        _EACH,
        f"The gradient is set to zero before every {zero} steps: each gradient in the update is the sum over the "
        "batches since then, each at the parameters of its own step.",
    )


def with_gathering(sections: tuple[Section, ...], found: Gathering) -> tuple[Section, ...]:
    """The sections, in which that of the update says what the gradients in it are."""
    if found == PLAIN:
        return sections
    return tuple(_said(section, found) if section.step == "update" else section for section in sections)


def _said(section: Section, found: Gathering) -> Section:
    if not section.equations:
        return section
    title = section.title.replace(_EACH, found.when)
    return section._replace(title=title, sentences=(found.sentence, *section.sentences))
