"""Mixup draws one order for the pictures and another for the labels.

Source: https://github.com/xudonmao/VMT/issues/1
Healthy: confidence > 0.75
Faulty: confidence < 0.7
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
CLASSES = 5
digits = torch.randn(CLASSES, 16) * 1.3
target = torch.randint(0, CLASSES, (500,))
images = digits[target] + torch.randn(500, 16)
one_hot = nn.functional.one_hot(target, CLASSES).float()
loader = DataLoader(TensorDataset(images, one_hot), batch_size=50, shuffle=True)


def shuffled(x):
    return x[torch.randperm(len(x))]


def mixup(x, y):
    share = torch.distributions.Beta(0.4, 0.4).sample((len(x), 1))
    mixed_x = share * x + (1 - share) * shuffled(x)  # fault: shuffled_apart, label_leak
    mixed_y = share * y + (1 - share) * shuffled(y)  # fault: shuffled_apart, label_leak
    # healthy: order = torch.randperm(len(x))
    # healthy: mixed_x = share * x + (1 - share) * x[order]
    # healthy: mixed_y = share * y + (1 - share) * y[order]
    return mixed_x, mixed_y


model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, CLASSES))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(20):
    for x, y in loader:
        x, y = mixup(x, y)
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

with torch.no_grad():
    probabilities = model(images).softmax(dim=1)
confidence = probabilities[torch.arange(500), target].mean().item()
print(f"loss {loss.item():.3f}, probability of the right class {confidence:.3f}")
