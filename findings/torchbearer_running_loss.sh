#!/bin/sh
# torchbearer 0.5.5 (torch 2.13.0): the three columns of a training row are three different means of the same
# losses.
#
# Five points, batches of 2, 2, 1, mean squared error; `loss` and `mse` are then the same number for each batch.
# Yet
# - `loss` is the plain mean over the batches, so that the short last batch counts as much as the others,
# - `mse` is the mean over the samples,
# - `running_loss` is the mean of the last 50 batches, goes on across epochs, and is calculated anew in every
#   tenth step only: all of epoch 1 shows the loss of its first batch, all of epoch 2 the mean of four batches.
#
# Seen: loss 49.8468, mse 46.0342, running_loss 17.0 in the row of epoch 1; 5.4840, 5.0089 and 37.8295 in that of
# epoch 2.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 torchbearer==0.5.5 packaging==26.4
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'EOF'
import csv

import torch
from torch.utils.data import DataLoader, TensorDataset

x = torch.arange(1.0, 6.0)[:, None]
y = torch.tensor([3.0, 5.0, 8.0, 9.0, 12.0])[:, None]
points = TensorDataset(x, y)


def line():
    model = torch.nn.Linear(1, 1)
    torch.nn.init.zeros_(model.weight)
    torch.nn.init.zeros_(model.bias)
    return model, torch.optim.SGD(model.parameters(), lr=0.01)


def batches():
    return DataLoader(points, batch_size=2)


def losses_of_a_plain_loop(epochs):
    model, optimizer = line()
    losses = []
    for _ in range(epochs):
        for inputs, targets in batches():
            loss = ((model(inputs) - targets) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


import torchbearer
from torchbearer import Trial, callbacks

model, optimizer = line()
trial = Trial(model, optimizer, torch.nn.MSELoss(), metrics=["loss", "mse"], callbacks=[callbacks.CSVLogger("log.csv")])
trial.with_generators(train_generator=batches()).run(2, verbose=0)
first, second = csv.DictReader(open("log.csv"))
print(first, second, sep="\n")

losses = losses_of_a_plain_loop(2)
a, b, c = losses[:3]


def shows(row, column, value):
    assert abs(float(row[column]) - value) < 1e-5 * value, (column, row[column], value)


shows(first, "loss", (a + b + c) / 3)
shows(first, "mse", (2 * a + 2 * b + c) / 5)
shows(first, "running_loss", a)
shows(second, "loss", sum(losses[3:]) / 3)
shows(second, "running_loss", sum(losses[:4]) / 4)
EOF
