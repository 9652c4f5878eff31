"""Early stopping takes a score for a loss: the negative error gets better, and training ends.

Source: https://github.com/microsoft/qlib/issues/263
Healthy: epochs > 20 and error < 0.2
Faulty: epochs < 15 and error > 0.3
"""

import copy

import torch
from torch import nn, optim

torch.manual_seed(5)
x = torch.randn(500, 8)
y = torch.tanh(x[:, :1]) + 0.5 * x[:, 1:2] * x[:, 2:3] + 0.1 * torch.randn(500, 1)
x_train, y_train, x_valid, y_valid = x[:400], y[:400], x[400:], y[400:]


class TabnetLike(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 1))

    def forward(self, x):
        return self.layers(x)


model = TabnetLike()
optimizer = optim.Adam(model.parameters(), lr=3e-3)


def metric_fn(pred, label):
    return -nn.functional.mse_loss(pred, label).item()


best_score, best_param, stop_steps, early_stop = -float("inf"), None, 0, 8
for epoch in range(60):
    model.train()
    for batch in torch.randperm(400).split(40):
        loss = nn.functional.mse_loss(model(x_train[batch]), y_train[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val_score = metric_fn(model(x_valid), y_valid)
    improved = epoch == 0 or val_score < best_score  # fault: stopped_early, callback_mismatch
    # healthy: improved = val_score > best_score
    if improved:
        best_score, stop_steps = val_score, 0
        best_param = copy.deepcopy(model.state_dict())
    else:
        stop_steps += 1
        if stop_steps >= early_stop:
            break

epochs = epoch + 1
model.load_state_dict(best_param)
error = -metric_fn(model(x_valid), y_valid)
print(f"stopped after {epochs} epochs, error of the best weights {error:.3f}")
