"""A regression's predictions have the shape (n, 1), its targets (n,): MSELoss compares each with all.

Source: https://github.com/pytorch/pytorch/pull/18349
Healthy: mse < 0.1
Faulty: mse > 0.6
"""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
X = torch.randn(500, 6)
y = X[:, 0] - 2 * X[:, 1] * X[:, 2] + 0.1 * torch.randn(500)
y = (y - y.mean()) / y.std()
train_loader = DataLoader(TensorDataset(X[:400], y[:400]), batch_size=32, shuffle=True)


class Regressor(nn.Module):
    def __init__(self, n_features):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(n_features, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, x):
        return self.layers(x)


model = Regressor(6)
criterion = nn.MSELoss()
optimizer = optim.Adam(model.parameters(), lr=0.005)

for epoch in range(20):
    model.train()
    for inputs, targets in train_loader:
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = criterion(outputs, targets)  # fault: broadcast
        # healthy: loss = criterion(outputs, targets.unsqueeze(1))
        loss.backward()
        optimizer.step()

model.eval()
with torch.no_grad():
    mse = ((model(X[400:]).squeeze(1) - y[400:]) ** 2).mean().item()
print(f"loss {loss.item():.3f}, test mse {mse:.3f}")
