"""A cosine schedule is stepped per batch, but its period was given in epochs: the rate goes up and down.

Source: https://github.com/ScrollPrize/villa/pull/1495
Healthy: final_lr < 1e-4 and rises == 0
Faulty: rises > 50
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(6)
max_epoch = 8
x = torch.randn(480, 6)
y = torch.sin(x.sum(dim=1, keepdim=True)) + 0.1 * torch.randn(480, 1)
loader = DataLoader(TensorDataset(x, y), batch_size=24, shuffle=True)

model = nn.Sequential(nn.Linear(6, 64), nn.Tanh(), nn.Linear(64, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=max_epoch)  # fault: callback_mismatch
# healthy: scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=max_epoch * len(loader))
rates = []

for epoch in range(max_epoch):
    total = 0.0
    for inputs, targets in loader:
        loss = nn.functional.mse_loss(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()  # or here
        rates.append(scheduler.get_last_lr()[0])
        total += loss.item()
    print(f"epoch {epoch}: {total / len(loader):.4f}, lr {rates[-1]:.4f}")

final_lr = rates[-1]
rises = sum(later > earlier for earlier, later in zip(rates, rates[1:]))
