"""Gradients of 16 small batches are summed, and the loss isn't divided by 16.

Source: https://github.com/hirofumi0810/neural_sp/issues/168
Healthy: loss < 0.5
Faulty: not loss < 5
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
inputs = torch.randn(640, 10)
weights = torch.randn(10, 1)
outputs = torch.tanh(inputs @ weights) * 2
loader = DataLoader(TensorDataset(inputs, outputs), batch_size=4, shuffle=True)
accum_grad_n_steps = 16

model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
criterion = nn.MSELoss()

for epoch in range(6):
    total = 0.0
    optimizer.zero_grad()
    for step, (x, y) in enumerate(loader, start=1):
        loss = criterion(model(x), y)
        total += loss.item()
        loss.backward()  # fault: lr_too_high
        # healthy: (loss / accum_grad_n_steps).backward()
        if step % accum_grad_n_steps == 0:
            optimizer.step()  # or here
            optimizer.zero_grad()
    loss = total / len(loader)
    print(f"epoch {epoch}: {loss:.4f}")
