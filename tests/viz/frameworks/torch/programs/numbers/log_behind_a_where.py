"""torch.where hides the logarithm of 0 from the answers, but not from the gradient.

Source: https://github.com/pytorch/pytorch/issues/108618
Healthy: loss < 0.1
Faulty: math.isnan(loss)
"""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)
spent = torch.exp(1.5 * torch.randn(500, 4)) * (torch.rand(500, 4) < 0.7)  # in four shops, often nothing
loyal = torch.where(spent > 0, spent.clamp(min=1e-6).log(), torch.zeros(())).sum(dim=1, keepdim=True) / 3
loader = DataLoader(TensorDataset(spent, loyal), batch_size=50, shuffle=True)


class LogScale(nn.Module):
    """The logarithm of amounts in a unit that is learnt; nothing stays 0."""

    def __init__(self, columns):
        super().__init__()
        self.unit = nn.Parameter(torch.ones(columns))

    def forward(self, amount):
        scaled = amount * self.unit
        # healthy: scaled = torch.where(amount > 0, scaled, torch.ones_like(scaled))
        return torch.where(amount > 0, torch.log(scaled), torch.zeros_like(scaled))  # fault: nonfinite
        # healthy: return torch.log(scaled)


model = nn.Sequential(LogScale(4), nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(10):
    losses = []
    for x, y in loader:
        mse = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        mse.backward()
        optimizer.step()
        losses.append(mse.item())
    loss = sum(losses) / len(losses)
    print(f"epoch {epoch}: {loss:.4f}")
