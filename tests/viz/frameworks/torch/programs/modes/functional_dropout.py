"""F.dropout is called without training=self.training: it drops in evaluation, too.

Source: https://github.com/rixwew/pytorch-fm/issues/21
Healthy: torch.equal(first, second)
Faulty: not torch.equal(first, second)
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)
FIELDS, VALUES = 6, 12
interactions = torch.randint(0, VALUES, (800, FIELDS))
taste = torch.randn(FIELDS, VALUES)
clicks = (taste[torch.arange(FIELDS), interactions].sum(dim=1) > 0).float()
train_loader = DataLoader(TensorDataset(interactions[:600], clicks[:600]), batch_size=50, shuffle=True)
test_loader = DataLoader(TensorDataset(interactions[600:], clicks[600:]), batch_size=100)


class AttentionalFM(nn.Module):
    def __init__(self, dim=8):
        super().__init__()
        self.embedding = nn.Embedding(FIELDS * VALUES, dim)
        self.attention = nn.Linear(dim, 1)
        self.fc = nn.Linear(dim, 1)
        self.register_buffer("offsets", VALUES * torch.arange(FIELDS))

    def forward(self, x):
        fields = self.embedding(x + self.offsets)
        scores = F.softmax(self.attention(fields), dim=1)
        scores = F.dropout(scores, p=0.2)  # fault: validation_mismatch, augmentation
        # healthy: scores = F.dropout(scores, p=0.2, training=self.training)
        return self.fc((scores * fields).sum(dim=1)).squeeze(1)


model = AttentionalFM()
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)


@torch.no_grad()
def test():
    model.eval()
    return torch.cat([model(x) for x, _ in test_loader])


for epoch in range(12):
    model.train()
    for x, y in train_loader:
        loss = F.binary_cross_entropy_with_logits(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    accuracy = ((test() > 0) == (clicks[600:] > 0)).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, test accuracy {accuracy:.3f}")
first, second = test(), test()
