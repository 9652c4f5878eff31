"""A rate that shall halve with each epoch is lowered after every batch.

Source: https://github.com/ivadomed/ivadomed/pull/55
Healthy: loss < 0.15
Faulty: loss > 0.4
"""

import torch
from torch import nn, optim
from torch.optim.lr_scheduler import ExponentialLR
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(5)
x = torch.randn(600, 8)
y = ((x[:, 0] * x[:, 1] + x[:, 2]) > 0).float().unsqueeze(1)
training = DataLoader(TensorDataset(x, y), batch_size=20, shuffle=True)

model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 1))
loss_fct = nn.BCEWithLogitsLoss()
optimizer = optim.Adam(model.parameters(), lr=0.02)
scheduler = ExponentialLR(optimizer, gamma=0.8)  # or here

for epoch in range(10):
    total = 0.0
    for inputs, labels in training:
        optimizer.zero_grad()
        batch_loss = loss_fct(model(inputs), labels)
        batch_loss.backward()
        optimizer.step()
        scheduler.step()  # fault: lr_too_low, callback_mismatch
        total += batch_loss.item()
    # healthy: scheduler.step()
    loss = total / len(training)
    print(f"epoch {epoch}: loss {loss:.4f}, lr {scheduler.get_last_lr()[0]:.2e}")
