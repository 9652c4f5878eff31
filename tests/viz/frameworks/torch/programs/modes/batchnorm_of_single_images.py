"""Batch normalization with a batch size of 1: what it learns in training isn't what it uses for predictions.

Source: https://github.com/wolny/pytorch-3dunet/issues/53
Healthy: test_loss < 0.25
Faulty: test_loss > 1
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
level = torch.rand(120, 1, 1, 1) * 4
volumes = level + 0.3 * torch.randn(120, 1, 10, 10)
targets = (level[:, :, 0, 0] - 2) / 1.2  # how bright a volume is
train_set = TensorDataset(volumes[:90], targets[:90])
train_loader = DataLoader(train_set, batch_size=1, shuffle=True)  # fault: batchnorm_misuse
# healthy: train_loader = DataLoader(train_set, batch_size=15, shuffle=True)

model = nn.Sequential(
    nn.Conv2d(1, 8, 3),
    nn.BatchNorm2d(8),  # or here
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(8, 1),
)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(270 // len(train_loader)):
    model.train()
    losses = []
    for volume, target in train_loader:
        loss = nn.functional.mse_loss(model(volume), target)  # or here
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        test_loss = nn.functional.mse_loss(model(volumes[90:]), targets[90:]).item()
print(f"train {sum(losses) / len(losses):.3f}, test {test_loss:.3f}")
