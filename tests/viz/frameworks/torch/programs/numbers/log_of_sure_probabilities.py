"""A focal loss is written with torch.log of probabilities, which reach 0 where the network is sure.

Source: https://github.com/mathiaszinnen/focal_loss_torch/issues/3
Healthy: loss < 0.05 and accuracy > 0.95
Faulty: not math.isfinite(loss)
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
x = torch.randn(500, 6) * torch.tensor([3.0, 1, 1, 1, 1, 1])
y = (x[:, 0] + 0.2 * x[:, 1] > 0).float()
loader = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)


class FocalLoss(nn.Module):
    def __init__(self, gamma=2):
        super().__init__()
        self.gamma = gamma

    def forward(self, logits, target):
        p = torch.sigmoid(logits)
        p_t = torch.where(target == 1, p, 1 - p)
        return (-1 * (1 - p_t) ** self.gamma * torch.log(p_t)).mean()  # fault: nonfinite
        # healthy: return (-1 * (1 - p_t) ** self.gamma * torch.log(p_t.clamp(min=1e-7))).mean()


model = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 1), nn.Flatten(0))
criterion = FocalLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9)
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
