"""Prices of some hundred thousands are the targets of a network whose first answers are near 0.

Source: https://github.com/DeepRank/deeprank/issues/16
Healthy: explained > 0.8
Faulty: explained < 0.1
"""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
houses = torch.randn(500, 6)
prices = 250_000 + 60_000 * houses[:, :1] + 40_000 * houses[:, 1:2] * houses[:, 2:3].sign()
target = prices  # fault: unscaled_target
# healthy: target = (prices - prices.mean()) / prices.std()
loader = DataLoader(TensorDataset(houses, target), batch_size=50, shuffle=True)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, x):
        return self.fc(x)


model = Model()
criterion = nn.MSELoss()
optimizer = optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(25):
    losses = []
    for x, y in loader:
        loss = criterion(model(x), y)  # or here
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}: loss {sum(losses) / len(losses):.4g}")

with torch.no_grad():
    explained = 1 - (criterion(model(houses), target) / target.var()).item()
print(f"explained part of the variance: {explained:.3f}")
