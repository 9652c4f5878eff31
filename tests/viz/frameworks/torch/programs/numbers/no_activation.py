"""The hidden layers of an MLP follow each other with no activation between.

Source: https://github.com/YujiaBao/ls/issues/1
Healthy: accuracy > 0.9
Faulty: accuracy < 0.7
"""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(8)
x = torch.randn(600, 4)
y = (x[:, 0].abs() > x[:, 1].abs()).long()
loader = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)


class MLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim, num_layers=3):
        super().__init__()
        seq = [nn.Linear(in_dim, hidden_dim)]
        for _ in range(num_layers - 2):
            # healthy: seq.append(nn.ReLU())
            seq.append(nn.Linear(hidden_dim, hidden_dim))  # or here
        # healthy: seq.append(nn.ReLU())
        seq.append(nn.Linear(hidden_dim, out_dim))  # fault: linear_stack
        # healthy: seq.append(nn.Linear(hidden_dim, out_dim))
        self.seq = nn.Sequential(*seq)  # or here

    def forward(self, x):
        return self.seq(x)  # or here


model = MLP(4, 48, 2)
optimizer = optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(20):
    correct = 0
    for inputs, labels in loader:
        output = model(inputs)
        loss = nn.functional.cross_entropy(output, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        correct += (output.argmax(1) == labels).sum().item()
    accuracy = correct / 600
print(f"loss {loss.item():.3f}, accuracy {accuracy:.3f}")
