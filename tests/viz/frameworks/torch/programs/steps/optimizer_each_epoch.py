"""train_epoch makes a new optimizer each time, which forgets the momentum of the epochs before.

Source: https://github.com/alan-turing-institute/deepsensor/issues/47
Healthy: loss < 0.01
Faulty: loss > 0.02
"""

import torch
from torch import nn, optim

torch.manual_seed(8)
tasks = torch.linspace(-2, 2, 96).unsqueeze(1)
field = torch.sin(2 * tasks) + 0.3 * tasks


def make_optimizer(model):
    return optim.SGD(model.parameters(), lr=0.01, momentum=0.95)  # or here


def train_epoch(model, optimizer, batch_size=24):
    losses = []
    optimizer = make_optimizer(model)  # fault: frozen
    for batch in torch.randperm(len(tasks)).split(batch_size):
        batch_loss = nn.functional.mse_loss(model(tasks[batch]), field[batch])
        optimizer.zero_grad()
        batch_loss.backward()
        optimizer.step()
        losses.append(batch_loss.item())
    return sum(losses) / len(losses)


model = nn.Sequential(nn.Linear(1, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1))
optimizer = None
# healthy: optimizer = make_optimizer(model)
for epoch in range(60):
    loss = train_epoch(model, optimizer)
    if epoch % 20 == 19:
        print(f"epoch {epoch + 1}: {loss:.4f}")
