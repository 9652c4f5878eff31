"""A model in float16 is trained by Adam, whose epsilon of 1e-8 is 0 in half precision.

Source: https://github.com/pytorch/pytorch/issues/8860
Healthy: loss < 0.2
Faulty: math.isnan(loss)
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)
frames = torch.randn(320, 16)
smile = (frames[:, 0] + frames[:, 1] > 0).long()
loader = DataLoader(TensorDataset(frames, smile), batch_size=32, shuffle=True)

net = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 2))
net = net.half()  # fault: nonfinite
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)  # or here
criterion = nn.CrossEntropyLoss()

for epoch in range(10):
    losses = []
    for x, y in loader:
        x = x.to(next(net.parameters()).dtype)
        batch_loss = criterion(net(x), y)
        optimizer.zero_grad()
        batch_loss.backward()
        optimizer.step()  # or here
        losses.append(batch_loss.item())
    loss = sum(losses) / len(losses)
    print(f"epoch {epoch}: {loss:.4f}")
