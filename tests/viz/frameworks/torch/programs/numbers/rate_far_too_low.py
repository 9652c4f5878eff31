"""The rate is so small that the loss doesn't move in the epochs that there are.

Source: https://taourl.com/read-2391810.html (Loss is not changing. Its remaining constant)
Healthy: loss < 0.2
Faulty: loss > 0.8
"""

import torch
import torch.optim as optim
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(5)
inputs = torch.randn(300, 10)
targets = inputs[:, :1] - inputs[:, 1:2] + 0.2 * torch.randn(300, 1)
targets = targets / targets.std()
loader = DataLoader(TensorDataset(inputs, targets), batch_size=30, shuffle=True)


class SimpleNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(10, 32)
        self.fc2 = nn.Linear(32, 1)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        return self.fc2(x)


model = SimpleNN()
criterion = nn.MSELoss()
optimizer = optim.SGD(model.parameters(), lr=1e-6)  # fault: lr_too_low
# healthy: optimizer = optim.SGD(model.parameters(), lr=0.05)

for epoch in range(25):
    total = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        outputs = model(x)
        batch_loss = criterion(outputs, y)
        batch_loss.backward()
        optimizer.step()  # or here
        total += batch_loss.item()
    loss = total / len(loader)
    if epoch % 5 == 4:
        print(f"Epoch {epoch}, Loss: {loss:.4f}")
