"""The rows of an image folder are in the order of their classes, and the DataLoader doesn't shuffle.

Source: https://github.com/Deci-AI/super-gradients/issues/416
Healthy: accuracy > 0.9
Faulty: accuracy < 0.7
"""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
CLASSES, EACH = 6, 160
prototypes = torch.randn(CLASSES, 30)
labels = torch.arange(CLASSES).repeat_interleave(EACH)  # folder after folder
images = prototypes[labels] + 1.6 * torch.randn(CLASSES * EACH, 30)
dataloader_params = {"batch_size": 20}  # fault: sorted_rows
# healthy: dataloader_params = {"batch_size": 20, "shuffle": True}
train_dataloader = DataLoader(TensorDataset(images, labels), **dataloader_params)  # or here

model = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, CLASSES))
optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
for epoch in range(5):
    losses = []
    for x, y in train_dataloader:
        loss = nn.functional.cross_entropy(model(x), y)  # or here
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"epoch {epoch}: loss {sum(losses) / len(losses):.3f}")

with torch.no_grad():
    accuracy = (model(images).argmax(1) == labels).float().mean().item()
print(f"accuracy {accuracy:.3f}")
