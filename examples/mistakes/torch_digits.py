"""A PyTorch network that learns badly, though nothing crashes: `viz doctor examples/mistakes/torch_digits.py`."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
images = torch.rand(600, 64) * 255 * (torch.rand(600, 64) < 0.3)
labels = (images @ torch.randn(64, 10)).argmax(1)
loader = DataLoader(TensorDataset(images, labels), batch_size=50, shuffle=True)

net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10), nn.Softmax(1))
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for _ in range(4):
    for xb, yb in loader:
        loss = loss_fn(net(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
print(f"accuracy: {(net(images).argmax(1) == labels).float().mean():.0%}")
