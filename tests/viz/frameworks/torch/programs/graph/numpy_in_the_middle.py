"""A layer written with NumPy gives back a new tensor; what comes before it isn't trained.

Source: https://github.com/Ugenteraan/Deep_Hierarchical_Classification/issues/6
Healthy: loss < 0.1
Faulty: loss > 0.3
"""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(9)
angles = torch.rand(500, 1) * 6 - 3
wave = torch.sin(2.5 * angles)
loader = DataLoader(TensorDataset(angles, wave), batch_size=50, shuffle=True)


class Fourier(nn.Module):
    def __init__(self):
        super().__init__()
        self.frequencies = nn.Linear(1, 24)
        self.out = nn.Linear(24, 1)

    def forward(self, x):
        x = self.frequencies(x)
        x = torch.from_numpy(np.sin(x.detach().numpy()))  # fault: no_gradient
        # healthy: x = torch.sin(x)
        return self.out(x)


model = Fourier()
optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
for epoch in range(30):
    losses = []
    for x, y in loader:
        step_loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        step_loss.backward()
        optimizer.step()
        losses.append(step_loss.item())
    loss = sum(losses) / len(losses) / wave.var().item()
print(f"unexplained part of the variance: {loss:.3f}")
