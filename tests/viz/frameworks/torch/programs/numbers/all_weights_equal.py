"""All layers begin with constant weights, so that all units of a layer stay alike.

Source: https://github.com/microsoft/vscode-python/issues/5069 (a course's notebook on weight initialization)
Healthy: loss < 0.25
Faulty: loss > 0.4 and different == 1
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(7)
x = torch.randn(500, 4)
y = x[:, :1] * x[:, 1:2] + 0.5 * x[:, 2:3]
train_loader = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)


class Net(nn.Module):
    def __init__(self, hidden_1=32, hidden_2=16, constant_weight=None):
        super().__init__()
        self.fc1 = nn.Linear(4, hidden_1)
        self.fc2 = nn.Linear(hidden_1, hidden_2)
        self.fc3 = nn.Linear(hidden_2, 1)
        if constant_weight is not None:
            for layer in (self.fc1, self.fc2, self.fc3):
                nn.init.constant_(layer.weight, constant_weight)  # or here
                nn.init.constant_(layer.bias, 0)

    def forward(self, x):
        x = torch.tanh(self.fc1(x))  # or here
        x = torch.tanh(self.fc2(x))
        return self.fc3(x)


model = Net(constant_weight=0.1)  # fault: initial_weights
# healthy: model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(25):
    losses = []
    for inputs, targets in train_loader:
        batch_loss = nn.functional.mse_loss(model(inputs), targets)
        optimizer.zero_grad()
        batch_loss.backward()
        optimizer.step()
        losses.append(batch_loss.item())
    loss = sum(losses) / len(losses)
different = len(torch.unique(model.fc1.weight.detach().round(decimals=4), dim=0))
print(f"loss {loss:.3f}, {different} different units of {len(model.fc1.weight)}")
