"""Which number a cell in a row is about, also in the first row and in the one after the last step."""

import pytest

from derive.errors import ClaimError
from tests.timelines import claimed, timeline_of
from verify.claims.places import Counting
from verify.claims.rows import says_after
from verify.claims.table import read_table

FALLING = 'equations = "l = (w-3)^2"\n[parameters]\nw = 1\n[training]\nlr = 0.25\nsteps = 2\n'


AFTER = ("new w", "w new", "w_after", "w.after", "updated w", "w'", "w\N{PRIME}", "w_{t+1}", "w(t+1)")


@pytest.mark.parametrize("head", AFTER)
def test_a_name_that_says_that_it_is_after_the_update(head: str) -> None:
    assert says_after(head)


@pytest.mark.parametrize("head", ["w", "w_t", "w_before", "newton", "W[0,1]", "dl/dw", "renewed"])
def test_a_name_that_does_not_say_so(head: str) -> None:
    assert not says_after(head)


def test_a_column_of_what_the_update_leaves_is_so_in_every_table() -> None:
    found = claimed("k,w,l,new w\n0,1,4,2\n1,2,1,2.5\n", timeline_of(FALLING))
    assert [one[:2] for one in found] == [
        *((1, "before"), (1, "loss"), (1, "after"), (2, "before"), (2, "loss"), (2, "after")),
    ]


def test_the_row_after_the_last_step_has_its_parameters_and_what_no_step_has() -> None:
    found = read_table("k,w,l\n0,1,4\n1,2,1\n2,2.5,0.25\n", "t.csv", timeline_of(FALLING))
    assert [(one.cell.step, one.cell.quantity.group) for one in found.claims][-1] == (2, "after")
    assert [error.message for error in found.unread] == [
        "loss of a step after the last is not judged: the run has the steps 1 to 2"
    ]
    assert found.unread[0].place is not None
    assert (found.unread[0].place.line, found.unread[0].place.column) == (4, 7)


def test_a_table_that_counts_from_0_says_why_its_last_step_is_not_there() -> None:
    with pytest.raises(
        ClaimError, match=r"a row 0, so the table counts from 0, and k 3 is the run's k 4: there is no step 4"
    ):
        claimed("k,w,l\n0,1,4\n3,2,1\n", timeline_of(FALLING))


def test_how_it_is_told_that_parameters_are_those_a_step_begins_with() -> None:
    assert Counting(begins=True).told == "its parameters are read as those a step begins with"


def test_what_an_update_leaves_beside_what_it_begins_with_in_a_row_0() -> None:
    """Such a table counts from 0; one whose row 0 has the initial number alone does not."""
    found = claimed("k,w_k,w_{k+1}\n0,1,2\n1,2,2.5\n", timeline_of(FALLING))
    assert found == [
        (1, "before", "w_before", "1"),
        (1, "after", "w", "2"),
        (2, "before", "w_before", "2"),
        (2, "after", "w", "2.5"),
    ]
    assert claimed("k,w,w\N{PRIME}\n0,1,2\n1,2,2.5\n", timeline_of(FALLING)) == found
    assert claimed("k,w_before,w_after\n0,,1\n1,1,2\n", timeline_of(FALLING))[-1] == (1, "after", "w", "2")
