"""The share of units to keep, as TensorFlow wanted it, is given to nn.Dropout, which drops it.

Source: https://github.com/piergiaj/pytorch-i3d/issues/58
Healthy: train_loss < 0.3
Faulty: train_loss > 0.6
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(9)
ACTIONS = 6
motions = torch.randn(ACTIONS, 32)
labels = torch.randint(0, ACTIONS, (480,))
clips = motions[labels] + 1.2 * torch.randn(480, 32)
loader = DataLoader(TensorDataset(clips, labels), batch_size=40, shuffle=True)


class InceptionHead(nn.Module):
    def __init__(self, dropout_keep_prob=0.9):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(32, 48), nn.ReLU())
        self.dropout = nn.Dropout(dropout_keep_prob)  # fault: dropout_high
        # healthy: self.dropout = nn.Dropout(1 - dropout_keep_prob)
        self.logits = nn.Linear(48, ACTIONS)

    def forward(self, x):
        return self.logits(self.dropout(self.features(x)))  # or here


model = InceptionHead()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(15):
    model.train()
    losses = []
    for x, y in loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    train_loss = sum(losses) / len(losses)
    print(f"epoch {epoch}: {train_loss:.3f}")
