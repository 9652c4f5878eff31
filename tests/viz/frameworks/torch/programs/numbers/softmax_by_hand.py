"""A softmax for the edges of a graph is written with exp alone, which overflows.

Source: https://github.com/pyg-team/pytorch_geometric/issues/53
Healthy: loss < 0.1
Faulty: math.isnan(loss)
"""

import torch
from torch import nn, optim

torch.manual_seed(2)
NODES, NEIGHBOURS = 200, 6
neighbours = torch.randint(0, NODES, (NODES, NEIGHBOURS))
features = torch.randn(NODES, 4)
importance = 40 * features[:, 0]
weights = importance[neighbours].softmax(dim=1)
target = (weights * features[:, 1][neighbours]).sum(dim=1, keepdim=True)


def softmax(scores):
    exp = scores.exp()  # fault: nonfinite
    # healthy: exp = (scores - scores.max(dim=1, keepdim=True).values).exp()
    return exp / exp.sum(dim=1, keepdim=True)


class GATConv(nn.Module):
    def __init__(self):
        super().__init__()
        self.value = nn.Linear(4, 16)
        self.score = nn.Linear(4, 1)
        self.out = nn.Linear(16, 1)

    def forward(self, x):
        alpha = softmax(self.score(x)[neighbours].squeeze(2) / 0.02)
        return self.out((alpha[:, :, None] * self.value(x)[neighbours]).sum(dim=1))


model = GATConv()
optimizer = optim.Adam(model.parameters(), lr=0.02)
for epoch in range(120):
    mse = nn.functional.mse_loss(model(features), target)
    optimizer.zero_grad()
    mse.backward()
    optimizer.step()
    if epoch % 30 == 29:
        print(f"epoch {epoch + 1}: {mse.item():.4f}")
loss = mse.item() / target.var().item()
