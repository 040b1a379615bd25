"""The training run in PyTorch: the only package that imports torch, which takes seconds and is done at first use."""

from derive.exports import TYPE_CHECKING
from derive.exports import lazily as _lazily

if TYPE_CHECKING:
    from verify.pytorch.conventions import with_conventions
    from verify.pytorch.order import orders
    from verify.pytorch.probing import Sums
    from verify.pytorch.run import Replay, draw, pieces, predict, train

__all__ = ["Replay", "Sums", "draw", "orders", "pieces", "predict", "train", "with_conventions"]

__getattr__, __dir__ = _lazily(
    __name__, {**dict.fromkeys(__all__, "run"), "Sums": "probing", "orders": "order", "with_conventions": "conventions"}
)
