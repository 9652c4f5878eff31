"""forward makes its layers anew with each call, so the weights that are trained are never used again.

Source: https://github.com/pytorch/pytorch/issues/1291
Healthy: mse < 0.1
Faulty: mse > 0.5
"""

import torch
from torch import nn, optim

torch.manual_seed(1)
X = torch.randn(400, 5)
Y = (X[:, :2].prod(dim=1, keepdim=True) + X[:, 2:3]).clamp(-3, 3)


class ThreeLayerNet(nn.Module):
    def __init__(self, D_in, H, D_out):
        super().__init__()
        self.sizes = D_in, H, D_out
        self.linear1 = nn.Linear(D_in, H)
        # healthy: self.linear2 = nn.Linear(H, H)
        self.linear3 = nn.Linear(H, D_out)

    def forward(self, x):
        h = torch.tanh(self.linear1(x))
        h = nn.Linear(h.shape[1], self.sizes[1])(h).clamp(min=0)  # fault: frozen
        # healthy: h = self.linear2(h).clamp(min=0)
        return self.linear3(h)


model = ThreeLayerNet(5, 40, 1)
optimizer = optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.MSELoss()
for epoch in range(25):
    losses = []
    for batch in torch.randperm(400).split(40):
        loss = criterion(model(X[batch]), Y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    mse = sum(losses) / len(losses)
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}: {mse:.3f}")
