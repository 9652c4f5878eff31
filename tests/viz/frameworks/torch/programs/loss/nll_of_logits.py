"""The label head of a point network gives plain scores to nll_loss: the loss falls below zero without end.

Source: https://github.com/yanx27/Pointnet_Pointnet2_pytorch/issues/30
Healthy: 0 < loss < 0.25
Faulty: loss < -20
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(3)
NUM_CLASSES = 5
shapes = torch.randn(NUM_CLASSES, 3) * 1.5
label = torch.randint(0, NUM_CLASSES, (400,))
points = torch.randn(400, 24, 3) * (0.3 + shapes[label].abs())[:, None]  # clouds of other proportions


class PointNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.local = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 64), nn.ReLU())
        self.head = nn.Linear(64, NUM_CLASSES)

    def forward(self, cloud):
        feature = self.local(cloud).max(dim=1).values
        return self.head(feature)  # or here


model = PointNet()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(15):
    order = torch.randperm(400)
    total = 0.0
    for start in range(0, 400, 40):
        batch = order[start : start + 40]
        scores = model(points[batch])
        batch_loss = F.nll_loss(scores, label[batch])  # fault: loss_mismatch
        # healthy: batch_loss = F.cross_entropy(scores, label[batch])
        optimizer.zero_grad()
        batch_loss.backward()
        optimizer.step()
        total += batch_loss.item()
    loss = total / 10
    print(f"{epoch}: {loss:.4f}")
