"""All outputs of an epoch are kept for a metric, and with them what autograd saved for each.

Source: https://github.com/pytorch/pytorch/issues/64586
Healthy: with_graph == 0 and r2 > 0.9
Faulty: with_graph == 400
"""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(8)
x = torch.randn(800, 8)
y = x[:, :2].prod(dim=1, keepdim=True) + x[:, 2:3]
loader = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True)


class Meter:
    def __init__(self):
        self.predictions, self.labels = [], []

    def update(self, prediction, label):
        self.predictions.append(prediction)  # fault: memory_growth
        # healthy: self.predictions.append(prediction.detach())
        self.labels.append(label)

    def r2(self, last=50):
        p, t = torch.cat(self.predictions[-last:]), torch.cat(self.labels[-last:])
        return 1 - ((p - t).pow(2).sum() / (t - t.mean()).pow(2).sum()).item()


model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = optim.Adam(model.parameters(), lr=3e-3)
meter = Meter()
for epoch in range(8):
    for inputs, targets in loader:
        outputs = model(inputs)
        loss = nn.functional.mse_loss(outputs, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        meter.update(outputs, targets)
    print(f"epoch {epoch}: R2 {meter.r2():.3f}")
r2 = meter.r2()
with_graph = sum(prediction.grad_fn is not None for prediction in meter.predictions)
