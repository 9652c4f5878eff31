"""A straight line is fitted to numbers ten times as large as usual, with the usual rate.

Source: https://github.com/pytorch/pytorch/issues/23142
Healthy: losses[-1] < 0.1 < losses[0]
Faulty: not losses[-1] < losses[0]
"""

import torch
from torch import nn

torch.manual_seed(1)
X = torch.randn(100, 1) * 30
y = 2 - X + 3 * torch.randn(100, 1)
# healthy: X, y = X / 30, y / 30


class LR(nn.Module):
    def __init__(self, input_size, output_size):
        super().__init__()
        self.linear = nn.Linear(input_size, output_size)

    def forward(self, x):
        return self.linear(x)


model = LR(1, 1)
criterion = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

losses = []
for epoch in range(150):
    y_pred = model(X)  # fault: unscaled_input, lr_too_high, exploding_gradient
    # healthy: y_pred = model(X)
    loss = criterion(y_pred, y)
    losses.append(loss.item())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 30 == 0:
        print("epoch:", epoch, "loss:", loss.item())
