"""Every sentence on how a table or a log was read: said where it was read so, and not where it nearly was."""

from __future__ import annotations

import pytest

from derive.problem.loading import load
from tables.account import sentence
from verify.auditing.pipeline import audit

LINE = """
equations = "p = w*x + b; l = mean((p - y)^2)"
[parameters]
w = 0
b = 0
[data]
x = [1, 2, 3, 4, 5]
y = [3, 5, 8, 9, 12]
[training]
lr = 0.01
batch_size = 2
epochs = 2
"""
WHOLE = LINE.replace("batch_size = 2\nepochs = 2", "epochs = 5")
FALLING_RATE = WHOLE.replace("lr = 0.01", "lr = [0.01, 0.01, 0.01, 0.01, 0.02]")
LOSS_CALLED_EPOCH = WHOLE.replace("l = mean((p - y)^2)", "epoch = mean((p - y)^2); l = 1*epoch")

Case = tuple[str, ...]  # a problem, a table, and who wrote it, if that is said


def said(case: Case) -> str:
    """All that is said of how a table was read, and of its numbers."""
    problem, table, *log = case
    found = audit(load(problem), claims=table, log=log[0] if log else None)
    sentences = (sentence(found, finding) for finding in found.findings)
    return "\n".join((*found.told, *sentences, *(error.message for error in found.unread)))


READINGS: list[tuple[str, Case, Case]] = [
    # what a log is read as
    (
        "loss as the mean over the samples of the epoch so far",
        (LINE, "epoch,loss\n1,46.034\n2,5.0089\n"),
        (LINE, "epoch,loss\n1,49.847\n2,5.484\n"),
    ),
    (
        "loss as the mean of the epoch's batches so far",
        (LINE, "epoch,loss\n1,49.847\n2,5.484\n"),
        (LINE, "epoch,loss\n1,46.034\n2,5.0089\n"),
    ),
    (
        "loss as the sum of the epoch's batches so far",
        (LINE, "epoch,loss\n1,149.54\n2,16.452\n"),
        (LINE, "epoch,loss\n1,49.847\n2,5.484\n"),
    ),
    ("as a loop of one's own", (LINE, "epoch,train_loss\n1,49.847\n2,5.484\n"), (LINE, "step,loss\n1,17\n2,63.63\n")),
    (
        "the mean of the losses since the last row",
        (LINE, "step,loss\n2,40.315\n4,35.344\n", "hf-trainer"),
        (LINE, "step,loss\n2,63.63\n4,1.7775\n", "loop"),
    ),
    (
        "0 of 2 numbers fit",
        (LINE, "step,loss\n2,63.63\n4,1.7775\n", "hf-trainer"),
        (LINE, "step,loss\n2,40.315\n4,35.344\n", "hf-trainer"),
    ),
    (
        "counted from 0 (step)",
        (LINE, "step,train_loss\n0,17\n1,63.63\n", "lightning"),
        (LINE, "step,loss\n1,17\n2,63.63\n", "hf-trainer"),
    ),
    (
        "nearest otherwise",
        (WHOLE, "step,loss\n1,37.7148\n2,22.0474\n3,12.9172\n"),
        (WHOLE, "step,loss\n1,64.6\n2,37.7148\n3,22.0474\n"),
    ),
    (
        "nothing in the table counts from 0",
        (WHOLE, "step,loss\n1,37.7148\n2,22.0474\n3,12.9172\n"),
        (WHOLE, "step,loss\n1,323\n2,188.57\n3,110.24\n"),
    ),
    (
        "the norm of all gradients, before clipping",
        (WHOLE, "step,train_loss,grad_norm\n1,64.6,55.2203\n2,37.7148,42.1542\n"),
        (WHOLE, "step,loss\n1,64.6\n2,37.7148\n"),
    ),
    (
        "a row after every 2 steps",
        (
            LINE,
            "{'loss': 40.315, 'epoch': 0.67}\n{'loss': 35.344, 'epoch': 1.33}\n{'loss': 7.337, 'epoch': 2.0}\n",
            "hf-trainer",
        ),
        (
            LINE,
            "{'loss': 17, 'epoch': 0.33}\n{'loss': 63.63, 'epoch': 0.67}\n{'loss': 68.91, 'epoch': 1.0}\n",
            "hf-trainer",
        ),
    ),
    (
        "each row an epoch",
        (LINE, "loss\n46.034\n5.0089\n", "keras"),
        (LINE, "epoch,loss\n1,46.034\n2,5.0089\n", "keras"),
    ),
    (
        "of a step after the run",
        (FALLING_RATE, "step,loss,lr\n4,12.9172,0.02\n5,7.59656,0.5\n", "ignite"),
        (FALLING_RATE, "step,loss,lr\n3,22.0474,0.01\n4,12.9172,0.02\n", "ignite"),
    ),
    (
        "the average 0.98",
        (LINE, "iteration,running_loss\n1,17\n2,17.9326\n3,18.95216\n", "ignite"),
        (LINE, "iteration,loss\n1,17\n2,63.63\n3,68.91\n", "ignite"),
    ),
    (
        "begun with the first loss",
        (LINE, "iteration,running_loss\n1,17\n2,17.9326\n3,18.95216\n", "ignite"),
        (LINE, "epoch,train_loss,valid_loss,time\n0,50.19244,1,00:01\n1,27.18347,1,00:01\n", "fastai"),
    ),
    # means of an epoch
    (
        "mean loss is read as mean_of_batches",
        (LINE, "epoch,mean loss\n1,49.847\n2,5.484\n"),
        (LINE, "epoch,mean loss\n1,46.034\n2,5.0089\n"),
    ),
    (
        ", and fits 1 of 2 numbers",
        (LINE, "epoch,mean loss\n1,49.847\n2,5.6\n"),
        (LINE, "epoch,mean loss\n1,49.847\n2,5.484\n"),
    ),
    (", and fits neither", (LINE, "epoch,mean loss\n1,51.0\n2,7.1\n"), (LINE, "epoch,mean loss\n1,49.847\n2,7.1\n")),
    ("is read as", (LINE, "epoch,mean loss\n1,49.847\n2,5.484\n"), (WHOLE, "epoch,mean loss\n1,64.6\n2,37.7148\n")),
    (
        "w at the last step of the epoch",
        (LINE, "epoch,mean_over_samples,w\n1,46.034,1.522\n2,5.0089,2.02296\n"),
        (WHOLE, "epoch,loss,w\n1,64.6,0.532\n2,37.7148,0.93808\n"),
    ),
    # where the rows are
    ("the table counts from 0", (WHOLE, "step,loss\n0,64.6\n1,37.7148\n"), (WHOLE, "step,w\n0,0\n1,0.532\n")),
    (
        "its parameters as those a step begins with",
        (WHOLE, "k,w,loss\n0,0,64.6\n1,0.532,37.7148\n"),
        (WHOLE, "k,w,loss\n0,0.532,64.6\n1,0.93808,37.7148\n"),
    ),
    (
        "its last row is read as what a further step would begin with",
        (WHOLE, "k,w,loss\n0,0,64.6\n1,0.532,37.7148\n5,1.66517,4.4959\n"),
        (WHOLE, "k,w,loss\n0,0,64.6\n1,0.532,37.7148\n4,1.48461,7.59656\n"),
    ),
    (
        "step counts the batches of its epoch",
        (LINE, "epoch,step,loss\n1,1,17\n2,1,1.7775\n"),
        (LINE, "epoch,step,loss\n1,1,17\n2,4,1.7775\n"),
    ),
    (
        "an empty epoch is that of the row above",
        (LINE, "epoch,batch,loss\n1,1,17\n,2,63.63\n"),
        (LINE, "epoch,batch,loss\n1,1,17\n1,2,63.63\n"),
    ),
    (
        "counts the samples of an epoch, after their batch",
        (LINE, "epoch 1 [2/5] loss 17\nepoch 1 [4/5] loss 63.63\n"),
        (LINE, "epoch 1 [0/5] loss 17\nepoch 1 [2/5] loss 63.63\n"),
    ),
    (
        "round read as the step",
        (WHOLE, "round,loss\n1,64.6\n3,22.0474\n"),
        (WHOLE, "step,round,loss\n1,2,64.6\n3,4,22.0474\n"),
    ),
    (
        "is what the problem calls so, and does not say where a row is",
        (LOSS_CALLED_EPOCH, "epoch\n64.6\n37.7148\n"),
        (WHOLE, "epoch,loss\n1,64.6\n"),
    ),
    # what was passed over
    (
        "its index passed over",
        (WHOLE, ",step,loss\n0,1,64.6\n1,2,37.7148\n"),
        (WHOLE, "step,loss\n1,64.6\n2,37.7148\n"),
    ),
    (
        "1 NaN, a missing value",
        (WHOLE, "   step  loss     w\n0     1  64.6  0.532\n1     2   NaN  0.938\n"),
        (WHOLE, "   step  loss     w\n0     1  64.6  0.532\n1     2  37.7  0.938\n"),
    ),
    ("1 comment left out: '# my table'", (WHOLE, "# my table\nstep,loss\n1,64.6\n"), (WHOLE, "# step,loss\n1,64.6\n")),
    (
        "a line beside the table is not read",
        (WHOLE, "step,loss\n1,64.6\n2,37.7148\nfinal w = 0.5\n"),
        (WHOLE, "step,loss\n1,64.6\n"),
    ),
    ("not read: line 1, 'My table'", (WHOLE, "My table\nstep,loss\n1,64.6\n"), (WHOLE, "step,loss\n1,64.6\n")),
    (
        "line without claims left out: 'Done.'",
        (WHOLE, "step 1 loss 64.6\nstep 2 loss 37.7148\nDone.\n"),
        (WHOLE, "step 1 loss 64.6\nstep 2 loss 37.7148\n"),
    ),
    (
        "1 line without a dict passed over",
        (WHOLE, "begin\n{'step': 1, 'loss': 64.6}\n"),
        (WHOLE, "{'step': 1, 'loss': 64.6}\n"),
    ),
    (
        "its log_history",
        (WHOLE, '{"log_history": [{"step": 1, "loss": 64.6}]}\n'),
        (WHOLE, '[{"step": 1, "loss": 64.6}]\n'),
    ),
    ("each number of a list a step", (WHOLE, "losses = [64.6, 37.7148]\n"), (WHOLE, "step 1: loss = 64.6\n")),
    (
        "not judged, as the problem has no such number: accuracy",
        (WHOLE, "step,loss,accuracy\n1,64.6,0.5\n"),
        (WHOLE, "step,loss,accuracy\n1,64.6,\n"),
    ),
    (
        "says no step, as the other lines do",
        (WHOLE, "step 1 loss 64.6\nstep 2 loss 37.7148\nloss 5\n"),
        (WHOLE, "step 1 loss 64.6\nstep 2 loss 37.7148\nstep 3 loss 22.0474\n"),
    ),
    (
        "is said in one line alone",
        (WHOLE, "step 1 loss 64.6\nstep 2 loss 37.7148\nstep 3 loss 22.0474, best loss: 22.0474\n"),
        (WHOLE, "step 1 loss 64.6\nstep 2 loss 37.7148\nstep 3 loss 22.0474\n"),
    ),
    ("decimal comma", (WHOLE, "step;loss\n1;64,6\n"), (WHOLE, "step;loss\n1;64.6\n")),
    (
        "rows of dots passed over",
        (WHOLE, "step,loss\n1,64.6\n...,...\n5,7.59656\n"),
        (WHOLE, "step,loss\n1,64.6\n5,...\n"),
    ),
    ("its steps across", (WHOLE, "step,1,2\nloss,64.6,37.7148\n"), (WHOLE, "step,loss\n1,64.6\n2,37.7148\n")),
    (
        "its numbers without names read as the loss of a step",
        (WHOLE, "1 64.6\n2 37.7148\n"),
        (WHOLE, "step loss\n1 64.6\n2 37.7148\n"),
    ),
]


@pytest.mark.parametrize(("fragment", "true", "false"), READINGS)
def test_how_a_table_was_read(fragment: str, true: Case, false: Case) -> None:
    assert fragment in said(true)
    assert fragment not in said(false)
