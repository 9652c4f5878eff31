"""The training rows are normalized, those of the test aren't.

Source: https://github.com/JeasunLok/ResNet-pytorch/issues/1
Healthy: test_accuracy > 0.85
Faulty: test_accuracy < 0.7
"""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(7)
spectra = torch.randn(600, 20) @ torch.diag(torch.rand(20) * 40 + 5) + 120
direction = torch.randn(20) / spectra.std(dim=0)
land = ((spectra - 120) @ direction > 0).long()
train, test = spectra[:450], spectra[450:]
mean, std = train.mean(dim=0), train.std(dim=0)
train = (train - mean) / std
# healthy: test = (test - mean) / std
train_loader = DataLoader(TensorDataset(train, land[:450]), batch_size=50, shuffle=True)
test_loader = DataLoader(TensorDataset(test, land[450:]), batch_size=50)  # fault: validation_mismatch
# healthy: test_loader = DataLoader(TensorDataset(test, land[450:]), batch_size=50)

model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = optim.Adam(model.parameters(), lr=0.01)


def evaluate():
    model.eval()
    with torch.no_grad():
        hits = sum((model(x).argmax(1) == y).sum().item() for x, y in test_loader)  # or here
    return hits / len(test)


for epoch in range(12):
    model.train()
    for x, y in train_loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    test_accuracy = evaluate()
    print(f"epoch {epoch}: loss {loss.item():.3f}, test accuracy {test_accuracy:.3f}")
