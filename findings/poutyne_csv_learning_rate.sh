#!/bin/sh
# Poutyne 1.19.0 (torch 2.13.0): the column `lr` of CSVLogger is the learning rate that trained the row's epoch,
# or that of the next epoch, according to where the logger stands in the list of callbacks.
#
# Three epochs train with 0.01, 0.005 and 0.0025 (ExponentialLR, gamma 0.5). With the logger before the
# scheduler the column says just that; with the logger after it, the column says 0.005, 0.0025, 0.00125, beside
# the same losses. Nothing in the file tells which of the two it is.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 poutyne==1.19.0
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


from poutyne import Callback, CSVLogger, ExponentialLR, Model


def rows(logger_first):
    model, optimizer = line()
    used = []

    class Note(Callback):
        def on_epoch_begin(self, epoch_number, logs):
            used.append(optimizer.param_groups[0]["lr"])

    pair = [CSVLogger("log.csv"), ExponentialLR(gamma=0.5)]
    callbacks = [Note(), *(pair if logger_first else reversed(pair))]
    Model(model, optimizer, torch.nn.MSELoss()).fit_generator(batches(), epochs=3, verbose=False, callbacks=callbacks)
    table = list(csv.DictReader(open("log.csv")))
    return used, [float(row["lr"]) for row in table], [row["loss"] for row in table]


used, first, losses = rows(logger_first=True)
used_again, after, same_losses = rows(logger_first=False)
print("used", used, "logger first", first, "logger last", after)
assert used == used_again == first == [0.01, 0.005, 0.0025]
assert after == [0.005, 0.0025, 0.00125]
assert losses == same_losses
EOF
