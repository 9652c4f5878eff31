"""All but the normalization is frozen, the head too, which is all that the optimizer has: nothing is ever learnt.

Source: https://discuss.pytorch.org/t/84911
Healthy: accuracy > 0.6
Faulty: accuracy < 0.5
"""

import torch
from torch import nn, optim

torch.manual_seed(0)
x = torch.randn(600, 10)
y = (x @ torch.randn(10, 4)).argmax(1)
body = nn.Sequential(nn.Linear(10, 64), nn.BatchNorm1d(64), nn.ReLU())
head = nn.Linear(64, 4)
net = nn.Sequential(body, head)
optimizer = optim.Adam(head.parameters(), lr=0.01)  # or here

for name, param in net.named_parameters():
    if not name.startswith("0.1"):
        param.requires_grad = False  # or here
for param in head.parameters():
    param.requires_grad = False  # fault: frozen
    # healthy: param.requires_grad = True

for epoch in range(10):
    for i in range(0, 600, 40):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x[i : i + 40]), y[i : i + 40])
        loss.backward()  # or here
        optimizer.step()  # or here
accuracy = (net(x).argmax(1) == y).float().mean().item()
