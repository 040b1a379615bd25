#!/bin/sh
# pytorch-accelerated 0.1.61 (torch 2.13.0): with gradient_accumulation_steps=2 the loss in the history is half
# the loss.
#
# The trainer divides the loss by the number of accumulated batches before it records it, also in a last window
# of one batch. Five points, batches of 2, 2, 1: the losses are 17, 72.5 and 101.0025, their mean over the
# samples is 56.0005, and the history says 28.0002. The same run with gradient_accumulation_steps=1 records its
# losses undivided.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 pytorch-accelerated==0.1.61
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'EOF'
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


from pytorch_accelerated import Trainer


def history(window):
    model, optimizer = line()
    trainer = Trainer(model, torch.nn.MSELoss(), optimizer, callbacks=[])
    trainer.train(
        train_dataset=points,
        num_epochs=1,
        per_device_batch_size=2,
        gradient_accumulation_steps=window,
        train_dataloader_kwargs=dict(shuffle=False, num_workers=0, pin_memory=False),
    )
    return trainer.run_history.get_latest_metric("train_loss_epoch")


def mean_over_samples(window):
    model, optimizer = line()
    total = 0.0
    for number, (inputs, targets) in enumerate(batches(), start=1):
        loss = ((model(inputs) - targets) ** 2).mean()
        (loss / window).backward()
        total += len(inputs) * loss.item() / len(points)
        if number % window == 0 or number == len(batches()):
            optimizer.step()
            optimizer.zero_grad()
    return total


for window, divisor in ((1, 1), (2, 2)):
    shown, mean = history(window), mean_over_samples(window)
    print("window", window, "history", shown, "mean of the losses", mean)
    assert abs(shown - mean / divisor) < 1e-5 * mean
EOF
