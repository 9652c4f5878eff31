"""All numeric columns of a table are inputs, the one to predict as well.

Source: https://github.com/pytorch-tabular/pytorch_tabular/issues/21
Healthy: weight < 0.3
Faulty: weight > 0.5
"""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(8)
columns = ["age", "distance", "rating", "price", "result"]
frame = torch.randn(500, 5)
frame[:, 4] = 0.6 * frame[:, 0] - 0.5 * frame[:, 2] + 0.8 * torch.randn(500)

num_cols = list(range(len(columns)))  # fault: label_leak
# healthy: num_cols = [i for i, name in enumerate(columns) if name != "result"]
target = columns.index("result")
features, results = frame[:, num_cols], frame[:, target : target + 1]
train_loader = DataLoader(TensorDataset(features[:400], results[:400]), batch_size=40, shuffle=True)


class TabularModel(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(inputs, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        return self.layers(x)


model = TabularModel(len(num_cols))
optimizer = optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    for x, y in train_loader:
        loss = nn.functional.mse_loss(model(x), y)  # or here
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        error = nn.functional.mse_loss(model(features[400:]), results[400:]).item()
    print(f"epoch {epoch}: {loss.item():.4f}, other rows {error:.4f}")

inputs = features[400:].clone().requires_grad_()
slope = torch.autograd.grad(model(inputs).sum(), inputs)[0].mean(dim=0)
weight = slope[-1].abs().item()  # of the last column given
