"""The validation loss is computed with dropout: eval() is never called.

Source: https://github.com/ipolharvard/ethos-ares/issues/20
Healthy: difference == 0 and val_loss < 0.55
Faulty: difference > 0.01
"""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
histories = torch.randint(0, 40, (600, 10))
risk = torch.randn(40)
events = (risk[histories].sum(dim=1) > 0).float()
train = DataLoader(TensorDataset(histories[:450], events[:450]), batch_size=30, shuffle=True)
val = DataLoader(TensorDataset(histories[450:], events[450:]), batch_size=75)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(40, 16)
        self.drop = nn.Dropout(0.3)  # or here
        self.head = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 1))

    def forward(self, tokens):
        return self.head(self.drop(self.embed(tokens).mean(dim=1))).squeeze(1)  # or here


model = Model()
criterion = nn.BCEWithLogitsLoss()
optimizer = optim.Adam(model.parameters(), lr=0.01)


@torch.no_grad()
def estimate_loss():
    # healthy: model.eval()
    losses = [criterion(model(x), y) for x, y in val]  # fault: validation_mismatch, augmentation
    # healthy: losses = [criterion(model(x), y) for x, y in val]
    # healthy: model.train()
    return torch.stack(losses).mean().item()


for epoch in range(12):
    for x, y in train:
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    val_loss = estimate_loss()
    print(f"epoch {epoch}: train {loss.item():.3f}, val {val_loss:.3f}")
difference = max(abs(estimate_loss() - val_loss) for _ in range(5))
