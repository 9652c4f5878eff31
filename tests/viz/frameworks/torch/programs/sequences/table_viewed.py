"""Rows and columns of a table are exchanged by a view, which keeps the order of the numbers: each series is torn apart.

Source: https://github.com/jessicayung/blog-code-snippets/issues/6
Healthy: final < 0.05
Faulty: final > 0.15
"""

import torch
from torch import nn

torch.manual_seed(0)
STEPS, SERIES = 12, 160
phase, speed = 6.3 * torch.rand(SERIES, 1), 0.3 + 0.5 * torch.rand(SERIES, 1)
waves = torch.sin(phase + speed * torch.arange(STEPS + 1))
x_train, y_train = waves[:, :STEPS], waves[:, STEPS]
x_train = x_train.reshape([STEPS, -1, 1])  # fault: channels_first
# healthy: x_train = x_train.t().reshape(STEPS, -1, 1)


class Forecast(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 24)
        self.linear = nn.Linear(24, 1)

    def forward(self, series):
        states, _ = self.lstm(series)
        return self.linear(states[-1]).view(-1)


model = Forecast()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(120):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x_train), y_train)
    loss.backward()
    optimizer.step()
final = loss.item()
