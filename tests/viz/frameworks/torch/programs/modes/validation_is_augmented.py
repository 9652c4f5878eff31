"""One dataset with random transforms is split in two, so that validation pictures are altered, too.

Source: https://github.com/gpleiss/efficient_densenet_pytorch/issues/51
Healthy: changes == 0
Faulty: changes > 0
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset

torch.manual_seed(5)
figures = torch.zeros(240, 1, 10, 10)
kinds = torch.randint(0, 3, (240,))
for i, kind in enumerate(kinds):
    figures[i, 0, 2:8, 4:6] = 1.0  # a bar, with 0, 1 or 2 arms
    figures[i, 0, 3, 6 : 6 + 3 * (kind > 0)] = 1.0
    figures[i, 0, 6, 6 : 6 + 3 * (kind > 1)] = 1.0
figures += 0.3 * torch.randn_like(figures)


class Figures(Dataset):
    def __init__(self, transform=None):
        self.transform = transform

    def __len__(self):
        return len(figures)

    def __getitem__(self, i):
        picture = figures[i]
        return (self.transform(picture) if self.transform else picture), kinds[i]


def augment(picture):
    moved = torch.roll(picture, tuple(torch.randint(-2, 3, (2,)).tolist()), dims=(1, 2))
    return moved + 0.3 * torch.randn(1)  # or here


order = torch.randperm(240).tolist()
dataset = Figures(augment)
train_set = Subset(dataset, order[:180])
valid_set = Subset(dataset, order[180:])  # fault: augmentation
# healthy: valid_set = Subset(Figures(), order[180:])
train_loader = DataLoader(train_set, batch_size=30, shuffle=True)
valid_loader = DataLoader(valid_set, batch_size=60)

model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    model.train()
    for x, y in train_loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = sum((model(x).argmax(1) == y).sum().item() for x, y in valid_loader) / 60  # or here
    print(f"epoch {epoch}: loss {loss.item():.3f}, validation accuracy {accuracy:.3f}")
changes = sum(not torch.equal(a[0], b[0]) for a, b in zip(valid_loader, valid_loader))
