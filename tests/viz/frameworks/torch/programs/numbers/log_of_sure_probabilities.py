"""A focal loss is written with torch.log of probabilities, which reach 0 where the network is sure.

Source: https://github.com/NVIDIA/apex/issues/358
Healthy: loss < 0.1 and accuracy > 0.95
Faulty: not math.isfinite(loss)
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
x = torch.randn(500, 6) * torch.tensor([5.0, 1, 1, 1, 1, 1])
y = (x[:, 0] + 0.2 * x[:, 1] > 0).float()
loader = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)


class FocalLoss(nn.Module):
    def __init__(self, gamma=2):
        super().__init__()
        self.gamma = gamma

    def forward(self, logits, target):
        p = torch.sigmoid(logits)
        yes = target * (1 - p) ** self.gamma * torch.log(p)  # fault: nonfinite
        no = (1 - target) * p**self.gamma * torch.log(1 - p)  # fault: nonfinite
        # healthy: yes = target * (1 - p) ** self.gamma * torch.log(p + 1e-8)
        # healthy: no = (1 - target) * p**self.gamma * torch.log(1 - p + 1e-8)
        return -(yes + no).mean()


model = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 1), nn.Flatten(0))
criterion = FocalLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(20):
    losses, correct = [], 0
    for inputs, labels in loader:
        logits = model(inputs)
        batch_loss = criterion(logits, labels)
        optimizer.zero_grad()
        batch_loss.backward()
        optimizer.step()
        losses.append(batch_loss.item())
        correct += ((logits > 0) == (labels > 0)).sum().item()
    loss, accuracy = sum(losses) / len(losses), correct / 500
print(f"loss {loss:.4f}, accuracy {accuracy:.3f}")
