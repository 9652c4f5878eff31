"""A keyword spotter is trained without zero_grad: each step uses the sum of all gradients so far.

Source: https://github.com/wenet-e2e/wekws/issues/72
Healthy: train_loss < 0.3
Faulty: train_loss > 0.8
"""

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
KEYWORDS, FRAMES, MELS = 5, 20, 12
patterns = torch.randn(KEYWORDS, MELS)
target = torch.randint(0, KEYWORDS, (400,))
feats = torch.randn(400, MELS, FRAMES)
feats[:, :, 5:12] += patterns[target][:, :, None]
loader = DataLoader(TensorDataset(feats, target), batch_size=40, shuffle=True)


class Spotter(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(MELS, 24, 3, padding=1)
        self.fc = nn.Linear(24, KEYWORDS)

    def forward(self, x):
        return self.fc(F.relu(self.conv(x)).mean(dim=2))


def train_one_epoch(model, optimizer, data_loader):
    model.train()
    total = 0.0
    for x, y in data_loader:
        loss = F.cross_entropy(model(x), y)
        loss.backward()  # fault: lr_too_high
        # healthy: optimizer.zero_grad()
        # healthy: loss.backward()
        optimizer.step()  # or here
        total += loss.item()
    return total / len(data_loader)


model = Spotter()
optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(15):
    train_loss = train_one_epoch(model, optimizer, loader)
    print(f"epoch {epoch}: {train_loss:.3f}")
