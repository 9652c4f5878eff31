"""The list of files is shuffled after the labels were taken from it.

Source: https://github.com/Borda/kaggle_image-classify/pull/12
Healthy: val_loss < 0.4
Faulty: val_loss > 1
"""

import random

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)
random.seed(3)
CLASSES = 4
centers = torch.randn(CLASSES, 10) * 1.5
table = [(i, i % CLASSES) for i in range(600)]  # name of a picture, its label
pictures = {name: centers[label] + torch.randn(10) for name, label in table}

# healthy: random.shuffle(table)
labels = torch.tensor([label for _, label in table])  # or here
random.shuffle(table)  # fault: shuffled_apart
images = torch.stack([pictures[name] for name, _ in table])
train_loader = DataLoader(TensorDataset(images[:480], labels[:480]), batch_size=40, shuffle=True)

model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, CLASSES))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(20):
    model.train()
    for x, y in train_loader:
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val_loss = criterion(model(images[480:]), labels[480:]).item()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}: train {loss.item():.3f}, val {val_loss:.3f}")
