"""Forms of the optimizers that stand in textbooks and that PyTorch does not have: for the hand calculation alone.

Each says what it changes in the equations of derive/training/optimizers.py, in their notation, and where it stands.
"""

from __future__ import annotations

from collections.abc import Mapping

from derive.errors import Place, SettingError
from derive.training.optimizers import Equation, Optimizer, Value, Variant

NONE = "none"  # PyTorch's own form

_MOMENTUM_ALONE = ("dampening", "nesterov")  # options of torch.optim.SGD that the velocities of books do not have


def _eps_inside_adam(optimizer: str) -> Variant:
    return Variant(
        optimizer,
        "eps_inside",
        "Défossez, Bottou, Bach, Usunier: A Simple Convergence Proof of Adam and Adagrad (2022)",
        {"p = p - lr*m_hat/(sqrt(v_hat) + eps)": (Equation("p = p - lr*m_hat/sqrt(v_hat + eps)"),)},
    )


def _folded(optimizer: str) -> Variant:
    """Both bias corrections in one number, which scales lr; eps then stands beside the root of v itself."""
    return Variant(
        optimizer,
        "folded_bias_correction",
        "Kingma, Ba: Adam (2015), the end of section 2, and Keras",
        {
            "m_hat = m/(1 - beta1^t)": (Equation("lr_t = lr*sqrt(1 - beta2^t)/(1 - beta1^t)"),),
            "v_hat = v/(1 - beta2^t)": (),
            "v_hat = v_max/(1 - beta2^t)": (),
            "p = p - lr*m_hat/(sqrt(v_hat) + eps)": (
                Equation("p = p - lr_t*m/(sqrt(v) + eps)", "!amsgrad"),
                Equation("p = p - lr_t*m/(sqrt(v_max) + eps)", "amsgrad"),
            ),
        },
    )


def _uncorrected(optimizer: str) -> Variant:
    return Variant(
        optimizer,
        "no_bias_correction",
        "Devlin, Chang, Lee, Toutanova: BERT (2019), in its published program",
        {
            "m_hat = m/(1 - beta1^t)": (),
            "v_hat = v/(1 - beta2^t)": (),
            "v_hat = v_max/(1 - beta2^t)": (),
            "p = p - lr*m_hat/(sqrt(v_hat) + eps)": (
                Equation("p = p - lr*m/(sqrt(v) + eps)", "!amsgrad"),
                Equation("p = p - lr*m/(sqrt(v_max) + eps)", "amsgrad"),
            ),
        },
    )


_TABLE = (
    Variant(
        "SGD",
        "lr_in_velocity",
        "Ruder: An overview of gradient descent optimization algorithms (2016), section 4.1",
        {
            "v = momentum*v + g": (Equation("v = momentum*v + lr*g"),),
            "p = p - lr*v": (Equation("p = p - v"),),
        },
        needs="momentum",
        without=_MOMENTUM_ALONE,
    ),
    Variant(
        "SGD",
        "velocity_as_step",
        "Goodfellow, Bengio, Courville: Deep Learning (2016), algorithm 8.2, and Keras",
        {
            "v = momentum*v + g": (Equation("v = momentum*v - lr*g"),),
            "p = p - lr*v": (Equation("p = p + v"),),
        },
        needs="momentum",
        without=_MOMENTUM_ALONE,
    ),
    Variant(
        "SGD",
        "averaged_velocity",
        "Ng: Deep Learning Specialization, course 2",
        {"v = momentum*v + g": (Equation("v = momentum*v + (1 - momentum)*g"),)},
        needs="momentum",
        without=_MOMENTUM_ALONE,
    ),
    Variant(
        "Adagrad",
        "eps_inside",
        "Ruder: An overview of gradient descent optimization algorithms (2016), section 4.3",
        {
            "p = p - lr*g/(sqrt(s) + eps)": (Equation("p = p - lr*g/sqrt(s + eps)"),),
            "p = p - lr_t*g/(sqrt(s) + eps)": (Equation("p = p - lr_t*g/sqrt(s + eps)"),),
        },
    ),
    Variant(
        "RMSprop",
        "eps_inside",
        "Goodfellow, Bengio, Courville: Deep Learning (2016), algorithm 8.5",
        {
            "d = sqrt(v) + eps": (Equation("d = sqrt(v + eps)"),),
            "d = sqrt(v - m^2) + eps": (Equation("d = sqrt(v - m^2 + eps)"),),
        },
    ),
    Variant(
        "RMSprop",
        "average_from_1",
        "TensorFlow 1, tf.train.RMSPropOptimizer",
        starts={"v": "1"},
    ),
    *(make(name) for name in ("Adam", "AdamW") for make in (_eps_inside_adam, _folded, _uncorrected)),
)

VARIANTS: Mapping[tuple[str, str], Variant] = {(found.optimizer, found.name): found for found in _TABLE}
NAMES = (NONE, *dict.fromkeys(found.name for found in _TABLE))
AND = "+"  # between the names of variants that are taken together: "eps_inside+average_from_1"


def variant_of(optimizer: str, name: str) -> Variant | None:
    """Returns the variant, or several taken together; None where the optimizer does not have them all.

    Raises `SettingError` for variants that change the same equation, of which both cannot be.
    """
    parts = [VARIANTS.get((optimizer, part)) for part in name.split(AND)]
    found = [part for part in parts if part is not None]
    if len(found) < len(parts):
        return None
    whole = found[0]
    for other in found[1:]:
        whole = _together(whole, other)
    return whole


def _together(one: Variant, other: Variant) -> Variant:
    """Two variants as one."""
    both = [*(one.equations.keys() & other.equations.keys()), *(one.starts.keys() & other.starts.keys())]
    if both:
        message = f"the variants {one.name} and {other.name} of {one.optimizer} both change {both[0]}; keep one of them"
        raise SettingError(message)
    return Variant(
        one.optimizer,
        f"{one.name}{AND}{other.name}",
        f"{one.source}; {other.source}",
        {**one.equations, **other.equations},
        {**one.starts, **other.starts},
        one.needs or other.needs,
        tuple(dict.fromkeys((*one.without, *other.without))),
    )


def optimizer_of(name: str, options: Mapping[str, Value], variant: str | None) -> Optimizer:
    """Returns the optimizer in PyTorch's own form, or as the variant; its name and options have been checked."""
    return Optimizer(name, options, None if variant in (None, NONE) else variant_of(name, str(variant)))


def read_variant(name: str, options: Mapping[str, Value], variant: str, place: Place | None = None) -> Optimizer:
    """Returns the optimizer as `variant`, or in PyTorch's own form for `NONE`.

    Raises `SettingError` for a variant that it does not have, or does not have with these options.
    """
    if variant == NONE:
        return Optimizer(name, options)
    try:
        found = variant_of(name, variant)
    except SettingError as error:
        raise SettingError(error.message, place) from None
    if found is None:
        own = [known.name for known in _TABLE if known.optimizer == name]
        variant = next(part for part in variant.split(AND) if (name, part) not in VARIANTS)
        owners = [known.optimizer for known in _TABLE if known.name == variant]
        listed = f"; the variants of {name} are {', '.join(own)}" if own else ""
        raise SettingError(f"{variant} is no variant of {name} but of {', '.join(owners)}{listed}", place)
    for key in options:
        if key in found.without:
            raise SettingError(f"{key} is no option of {name} in the variant {variant}; leave one of them out", place)
    if found.needs and not options.get(found.needs):
        raise SettingError(
            f"the variant {variant} of {name} needs a {found.needs} above 0: without it {name} has no velocity", place
        )
    return Optimizer(name, options, found)
