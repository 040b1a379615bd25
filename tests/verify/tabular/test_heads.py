"""Heads with a unit, a remark, a step or an entry in them: read where they leave no doubt."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import ClaimError
from tests.timelines import claimed, timeline_of
from verify.claims.table import read_table

LINE = timeline_of(
    'equations = "l = mean((w*x + b - y)^2)"\n[parameters]\nw = 1\nb = 0\n[data]\nx = [1, 2]\ny = [2, 3]\n'
    "[training]\nlr = 0.1\nepochs = 3\n"
)
NET = timeline_of(
    'equations = """\nz = x @ W + c\nl = mean((z - y)^2)\n"""\n[parameters]\nW = [[0.5, -0.25], [1, 2]]\nc = [0, 0.1]\n'
    "[data]\nx = [[1, 2], [3, -1], [0, 4]]\ny = [[1, 0], [2, 1], [3, -1]]\n[training]\nlr = 0.1\nsteps = 3\n"
)


def of(head: str) -> tuple[int, str, str]:
    """The step, group and name of what a column is about."""
    return claimed(f'step,"{head}"\n2,0.5\n', LINE)[0][:3]


@given(
    st.sampled_from(
        [
            ("w", "after", "w"),
            ("J", "loss", "loss"),
            ("dl/db", "gradients", "dl/db"),
            ("w_before", "before", "w_before"),
        ]
    ),
    st.sampled_from(["[1/s]", "[kJ]", "[m/s^2]", "[-]", "[N·m]", ":"]),
)
def test_a_unit_changes_nothing(named: tuple[str, str, str], unit: str) -> None:
    name, group, label = named
    assert of(f"{name}{'' if unit == ':' else ' '}{unit}") == (2, group, label)


@pytest.mark.parametrize("head", ["J (MSE)", "Loss (MSE)", "MSE (loss)", "cost (J)"])
def test_another_word_for_the_same_changes_nothing(head: str) -> None:
    assert of(head) == (2, "loss", "loss")


@pytest.mark.parametrize(
    "head",
    [
        "loss (before)",
        "loss (sum)",
        "w (clipped)",
        "w (b)",
        "w (old value)",
        "loss [avg]",
        "dl/dw (without 2)",
        "w (w_before)",
    ],
)
def test_any_other_word_may_change_what_is_meant(head: str) -> None:
    with pytest.raises(ClaimError, match=r"unknown quantity|is one number"):
        of(head)


@pytest.mark.parametrize("head", ["w_t", "w(t)", "w_{t}", "w^(k)", "w_k", "w_i"])
def test_the_step_in_a_subscript(head: str) -> None:
    assert of(head) == (2, "after", "w")
    following = re.sub(r"([tki])", r"\1+1", head)
    assert of(following) == (2, "after", "w")
    both = claimed(f'step,"{head}","{following}"\n2,0.5,0.6\n', LINE)
    assert [one[1] for one in both] == ["before", "after"]


def test_the_step_of_a_gradient_or_a_loss() -> None:
    assert (of("dl/dw_t"), of("J_t")) == ((2, "gradients", "dl/dw"), (2, "loss", "loss"))
    with pytest.raises(ClaimError, match="unknown quantity"):
        of("J_{t+1}")


@given(
    st.sampled_from(["W{}{}", "W_{}{}", "W_{{{}{}}}", "W_{},{}"]),
    st.booleans(),
    st.permutations(range(4)),
    st.integers(2, 4),
)
def test_entries_by_their_digits(form: str, from_0: bool, order: list[int], count: int) -> None:
    places = [divmod(k, 2) for k in order[:count]]
    heads = [form.format(*(k + (not from_0) for k in place)) for place in places]
    digits = {k + (not from_0) for place in places for k in place}
    table = "step," + ",".join(f'"{head}"' for head in heads) + "\n1" + ",0.5" * count + "\n"
    if not digits & {0, 2}:
        with pytest.raises(ClaimError, match=r"can be W\[.*, counted from 1, or W\[.*, counted from 0"):
            claimed(table, NET)
        return
    assert [one[2] for one in claimed(table, NET)] == [f"W[{i},{j}]" for i, j in places]


def test_an_entry_that_can_be_two_is_refused_with_both() -> None:
    with pytest.raises(ClaimError, match=r"'W11' can be W\[0,0\], counted from 1, or W\[1,1\], counted from 0"):
        claimed("step,W11\n1,0.5\n", NET)
    with pytest.raises(ClaimError, match=r"'c1' can be c\[0\], counted from 1, or c\[1\], counted from 0"):
        claimed("step,c1\n1,0.5\n", NET)
    assert [one[2] for one in claimed("step,W[0][1],dl/dW12,dl/dW22\n1,1,2,3\n", NET)] == [
        *("W[0,1]", "dl/dW[0,1]", "dl/dW[1,1]"),
    ]


AT_PARAMETERS = [
    *("J(w_k, b_k)", "J(w,b)", "J(w_t)", "l(w; b)", "loss(w_t, b_t)", "L(theta)", "MSE(w, b; x, y)"),
    r"$J(w_{k}, b_{k})$",
]
GRADIENTS = [
    *(r"\nabla_w J", "∇_w J", "∇w J", "grad_w l", r"$\nabla_{w} J(w, b)$", "dl/dw(w_t)", "∂J(w,b)/∂w", "∇_w loss"),
]


@pytest.mark.parametrize("head", [*AT_PARAMETERS, *GRADIENTS, r"\frac{\partial J}{\partial w}"])
def test_at_the_parameters_of_the_step(head: str) -> None:
    expected = (2, "loss", "loss") if head in AT_PARAMETERS else (2, "gradients", "dl/dw")
    assert of(head) == expected


@pytest.mark.parametrize(
    "head",
    [
        *("J(w_{k+1})", "J(w_t+1, b_t+1)", "J(v)", "J(w_new)", "w(b)", "loss(test)", "J(w_0)", "f(w, b)", "J()"),
        *("∇_v J", "∇_w f", r"\nabla_w J(w_{t+1})", "∇_w b"),
    ],
)
def test_at_other_numbers_it_is_of_another_step_or_of_none(head: str) -> None:
    with pytest.raises(ClaimError, match=r"unknown quantity|is one number"):
        of(head)


@given(
    st.sampled_from(["J", "l", "loss", "dl/dw", "dJ/db", "cost"]),
    st.lists(st.sampled_from(["w", "b", "x", "y"]), min_size=1, max_size=4, unique=True),
    st.sampled_from(["", "_t", "_k", "_{k}", "^(t)"]),
    st.sampled_from([",", ", ", "; "]),
)
def test_whatever_it_is_calculated_of(name: str, arguments: list[str], step: str, between: str) -> None:
    assert of(f"{name}({between.join(f'{one}{step}' for one in arguments)})") == of(name)


def test_a_head_in_the_signs_of_latex() -> None:
    assert of("$w_{t+1}$") == of(r"\mathbf{w}") == (2, "after", "w")
    assert of(r"\partial l/\partial b") == (2, "gradients", "dl/db")


def test_a_second_table_is_named() -> None:
    with pytest.raises(ClaimError, match=r"^t.csv:3:1: a second table begins here; leave one of the two"):
        claimed("step,w\n1,0.5\nstep,loss\n1,64.6\n", LINE)
    assert len(claimed("step,w\n1,0.5\n\nstep,loss\n1,64.6\n", LINE)) == 2  # one table in two parts
    assert len(claimed("step,w\n1,0.5\nstep,w\n2,0.6\n", LINE)) == 2  # the names once more


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("Gradients w", (2, "gradients", "dl/dw")),
        ("Partial derivatives dl/dw", (2, "gradients", "dl/dw")),
        ("Parameters: b", (2, "after", "b")),
        ("Before update w", (2, "before", "w_before")),
        ("After the update w", (2, "after", "w")),
    ],
)
def test_the_name_of_a_group(head: str, expected: tuple[int, str, str]) -> None:
    assert of(head) == expected


@pytest.mark.parametrize("head", ["Gradients l", "Validation w", "Target w"])
def test_the_name_of_another_group(head: str) -> None:
    with pytest.raises(ClaimError):
        of(head)


_WORDED = {  # names, and words for what they are
    ("J", "loss", "loss"): [
        "cost",
        "Loss",
        "error",
        "cost function",
        "objective",
        "loss value",
        "squared error",
        "MSE",
    ],
    ("dl/dw", "gradients", "dl/dw"): ["gradient", "derivative", "partial derivative", "Gradient", "grad."],
    ("w", "after", "w"): ["weight", "parameter", "Weights", "slope", "value of"],
    ("b", "after", "b"): ["bias", "Bias term", "intercept", "parameter"],
    ("lr", "setting", "lr"): ["learning rate", "step size", "Learning Rate"],
    ("p[0]", "nodes", "p[0]"): ["prediction", "Predicted", "output", "value of"],
}
PREDICTING = timeline_of(
    'equations = """\np = w*x + b\nl = mean((p - y)^2)\n"""\n[parameters]\nw = 1\nb = 0\n'
    "[data]\nx = [1, 2]\ny = [2, 3]\n"
    "[training]\nlr = 0.1\nepochs = 3\n"
)
_FORMS = ("{word} {name}", "{name} {word}", "{name} ({word})", "{word} ({name})", "{word}: {name}", "{word}, {name}")
_FORMS = (*_FORMS, "{word} = {name}", "{name} [{word}]", "{word} - {name}")


@given(st.sampled_from(list(_WORDED)), st.sampled_from(_FORMS), st.data())
def test_a_word_that_agrees_with_its_name_changes_nothing(
    named: tuple[str, str, str], form: str, data: st.DataObject
) -> None:
    word, others = data.draw(st.sampled_from(_WORDED[named])), {word for own in _WORDED for word in _WORDED[own]}
    head = form.format(word=word, name=named[0])
    assert claimed(f'step,"{head}"\n2,0.5\n', PREDICTING)[0][:3] == (2, *named[1:])
    strange = data.draw(st.sampled_from(sorted(others - set(_WORDED[named]) - {"value of", "parameter"})))
    head = form.format(word=strange, name=named[0])
    try:
        found = claimed(f'step,"{head}"\n2,0.5\n', PREDICTING)
    except ClaimError:
        return
    assert found[0][1:3] != named[1:]  # `gradient w` has a meaning of its own


@pytest.mark.parametrize(
    ("head", "meant"),
    [
        ("Cost function J(w, b)", ("loss", "loss")),
        ("gradient of J with respect to w", ("gradients", "dl/dw")),
        ("Gradient of the loss wrt b", ("gradients", "dl/db")),
        ("derivative w.r.t. w", ("gradients", "dl/dw")),
        ("new weight w", ("after", "w")),
        ("old bias b", ("before", "b_before")),
        ("weight w_{t+1}", ("after", "w")),
        ("weight w [1/s]", ("after", "w")),
        (r"cost $J(w)$", ("loss", "loss")),
    ],
)
def test_a_word_beside_a_name_with_more_around_it(head: str, meant: tuple[str, str]) -> None:
    assert claimed(f'step;"{head}"\n2;0.5\n', LINE)[0][1:3] == meant


def test_a_word_beside_each_of_two_names_of_a_step() -> None:
    both = claimed('step,"weight w_t","weight w_{t+1}"\n2,0.5,0.6\n', LINE)
    assert [one[1] for one in both] == ["before", "after"]


@pytest.mark.parametrize(
    "head", ["bias w", "weight b", "slope b", "loss w", "prediction J", "error w", "total cost l w"]
)
def test_a_word_that_does_not_agree_is_refused(head: str) -> None:
    with pytest.raises(ClaimError, match="unknown quantity"):
        of(head)


def test_a_word_that_is_a_name_of_the_problem_is_that_name() -> None:
    own = timeline_of(
        'equations = """\nCost = (w - 3)^2\nl = 2*Cost\n"""\n[parameters]\nw = 1\n[training]\nlr = 0.1\nsteps = 3\n'
    )
    assert claimed("step,Cost\n2,0.5\n", own)[0][1:3] == ("nodes", "Cost")
    for head in ("Cost l", "Cost function l", "l - Cost"):
        with pytest.raises(ClaimError, match="unknown quantity"):
            claimed(f"step,{head}\n2,0.5\n", own)
    assert claimed("step,Loss l\n2,0.5\n", own)[0][1:3] == ("loss", "loss")


@pytest.mark.parametrize("head", ["iteration k", "Iteration (k)", "Epoch t", "Step i", "Iter. k"])
def test_a_letter_beside_the_word_that_counts(head: str) -> None:
    assert [one[0] for one in claimed(f"{head},w\n1,0.5\n3,0.6\n", LINE)] == [1, 3]
    assert [one[0] for one in claimed(f"w,{head}\n0.5,1\n0.6,3\n", LINE)] == [1, 3]


def test_a_letter_that_is_a_name_of_the_problem_says_no_step() -> None:
    own = timeline_of('equations = "l = (k - 3)^2"\n[parameters]\nk = 1\n[training]\nlr = 0.1\nsteps = 3\n')
    with pytest.raises(ClaimError, match="unknown quantity 'step k'"):
        claimed("step k\n1\n", own)


def test_in_a_tidy_table_and_in_a_line_too() -> None:
    tidy = "step,quantity,value\n2,Cost J,0.5\n2,weight w,0.6\n2,bias (b),0.7\n2,w_{t},0.8\n"
    assert [one[1:3] for one in claimed(tidy.replace("2,w_{t},0.8\n", ""), LINE)] == [
        ("loss", "loss"),
        ("after", "w"),
        ("after", "b"),
    ]
    lines = "step 1: Cost J = 0.5, weight w = 0.6\nstep 2: Cost J = 0.4, weight w = 0.7\n"
    assert [one[1:3] for one in claimed(lines, LINE)] == 2 * [("loss", "loss"), ("after", "w")]


NAMES_IN_TWO_LINES = [
    "step,gradients,,parameters,\n,w,b,w,b\n",
    "step,grad,grad,after,after\n,w,b,w,b\n",
    ",grad,,w,b\nstep,w,b,,\n",
    ",grad,grad,w,b\n,w,b,,\nstep,,,,\n",  # as pandas writes it
]


@pytest.mark.parametrize("names", NAMES_IN_TWO_LINES)
def test_names_in_two_lines(names: str) -> None:
    found = claimed(f"{names}1,-8,-3.7,1.4,0.7\n2,-3.5,-1.7,1.6,0.8\n", LINE)
    assert [one[1:3] for one in found[:4]] == [
        ("gradients", "dl/dw"),
        ("gradients", "dl/db"),
        ("after", "w"),
        ("after", "b"),
    ]
    assert [one[0] for one in found] == [1] * 4 + [2] * 4


def test_digits_below_a_name_are_its_entry() -> None:
    found = claimed("step,c,c,l\n,1,2,\n1,0.5,0.6,3\n2,0.7,0.8,4\n", NET)
    assert [one[2] for one in found] == 2 * ["c[0]", "c[1]", "loss"]


@given(st.sampled_from(["[1/s]", "(m)", "kJ", "[m/s^2]", "a.u."]), st.sampled_from(["", "-", "[-]"]))
def test_a_line_of_units_below_the_names(unit: str, none: str) -> None:
    reading = read_table(f"step,w,b\n{none},{unit},{none}\n1,0.5,0.6\n2,0.7,0.8\n", "t", LINE)
    assert [(one.cell.step, one.cell.name) for one in reading.claims] == [(1, "w"), (1, "b"), (2, "w"), (2, "b")]
    assert reading.told == "read as CSV, 2 rows, a line of units passed over"
    assert not reading.unread


@pytest.mark.parametrize("line", ["1,0.5,0.4", "1,-,-", "-,-,-", "1,abc,def", "a,b,c"])
def test_a_line_of_anything_else_is_a_row(line: str) -> None:
    reading = read_table(f"step,w,b\n{line}\n2,0.7,0.8\n3,0.7,0.8\n", "t", LINE)
    assert "units" not in reading.told
    assert [(one.cell.step, one.cell.name) for one in reading.claims][-4:] == [(2, "w"), (2, "b"), (3, "w"), (3, "b")]
