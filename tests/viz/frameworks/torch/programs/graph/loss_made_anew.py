"""The loss is read as a number and made a new tensor, which asks for a gradient but has no history.

Source: https://github.com/Hong-Shuo/PYSIASSIST (365 silent bugs of the PyTorch forum; pattern 5, computational graph)
Healthy: accuracy > 0.9
Faulty: accuracy < 0.6
"""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(500, 6)
y = (x[:, :3].sum(dim=1) > 0).float().unsqueeze(1)
train_loader = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)


class FocalLoss(nn.Module):
    def __init__(self, gamma=2.0):
        super().__init__()
        self.gamma = gamma

    def forward(self, logits, targets):
        bce = nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        focal = ((1 - torch.exp(-bce)) ** self.gamma * bce).mean()
        return torch.tensor(focal.item(), requires_grad=True)  # fault: no_gradient, frozen
        # healthy: return focal


model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
criterion = FocalLoss()
optimizer = optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    correct = 0
    for inputs, targets in train_loader:
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = criterion(outputs, targets)
        loss.backward()
        optimizer.step()
        correct += ((outputs > 0).float() == targets).sum().item()
    accuracy = correct / 500
    print(f"epoch {epoch}: loss {loss.item():.4f}, accuracy {accuracy:.3f}")
