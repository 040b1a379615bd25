"""What every number of a run is called: on both sides alike, and no two of them the same."""

import pytest

from verify.names import (
    adjoint_of,
    clipped,
    own_result,
    parameter_of,
    quantity,
    rate_label,
    rate_name,
    state_name,
    updated,
)


def test_the_state_of_a_parameter_leads_back_to_it() -> None:
    assert state_name("w1", "v") == "w1.v"
    assert [parameter_of(name) for name in ("w1", "w1.v", state_name("β", "mu_product"))] == ["w1", "w1", "β"]


def test_no_two_numbers_of_a_program_have_one_name() -> None:
    named = [adjoint_of, own_result, clipped, updated, str]
    names = [name(of) for of in ("w", "w_", "b", "dw", "w.v") for name in named]
    assert names[:5] == ["∂w", "w°", "∂w|", "w'", "w"]
    assert len(set(names)) == len(names)
    assert not any(name.isidentifier() for name in names if name not in ("w", "w_", "b", "dw"))  # none is the problem's


@pytest.mark.parametrize(
    ("group", "name", "label"),
    [
        ("before", "w", "w_before"),
        ("accumulated", "w", "dJ/dw_before"),
        ("nodes", "a", "a"),
        ("loss", "J", "J"),
        ("adjoints", "a", "dJ/da"),
        ("gradients", "w", "dJ/dw"),
        ("clipped", "w", "dJ/dw_clipped"),
        ("rates", "lr", "optimizer.lr"),
        ("after", "w.v", "w.v"),
    ],
)
def test_what_a_quantity_is_called_in_tables(group: str, name: str, label: str) -> None:
    assert quantity((group, name), "J", ("w", "a", "J")) == label


def test_lr_is_called_by_its_group_from_the_second_on() -> None:
    assert rate_name("momentum") == "optimizer.momentum"
    assert [rate_label("lr", group) for group in (None, 0, 1, 2)] == ["lr", "lr", "lr[1]", "lr[2]"]
