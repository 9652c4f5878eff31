"""A column has the same value in all rows: to divide by its deviation gives NaN.

Source: https://github.com/mllam/neural-lam/issues/136
Healthy: loss < 0.2
Faulty: math.isnan(loss)
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(6)
weather = torch.randn(400, 6) * torch.tensor([8.0, 300.0, 5.0, 1.0, 0.1, 2.0]) + torch.tensor([15.0, 1e3, 3, 0, 0.5, 0])
weather[:, 3] = 0.0  # no rain in this period
tomorrow = (weather[:, :1] - 15) / 8 + 0.5 * (weather[:, 2:3] - 3) / 5
state_mean, state_std = weather.mean(dim=0), weather.std(dim=0)
standardized = (weather - state_mean) / state_std  # fault: nonfinite
# healthy: standardized = (weather - state_mean) / state_std.clamp(min=1e-6)
loader = DataLoader(TensorDataset(standardized, tomorrow), batch_size=40, shuffle=True)


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(6, 32), nn.SiLU(), nn.Linear(32, 1))

    def forward(self, state):
        return self.mlp(state)


model = Forecaster()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
for epoch in range(10):
    losses = []
    for state, target in loader:
        batch_loss = nn.functional.mse_loss(model(state), target)  # or here
        optimizer.zero_grad()
        batch_loss.backward()
        optimizer.step()
        losses.append(batch_loss.item())
    loss = sum(losses) / len(losses)
    print(f"epoch {epoch}: {loss:.4f}")
