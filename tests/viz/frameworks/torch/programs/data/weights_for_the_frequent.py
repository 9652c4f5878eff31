"""The weights of the loss are larger for the classes that have more rows.

Source: https://github.com/PRBonn/lidar-bonnetal/issues/48
Healthy: recall > 0.7
Faulty: recall < 0.2
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
share = torch.tensor([0.85, 0.10, 0.05])  # road, building, person
centers = torch.randn(3, 8) * 0.7
label = torch.multinomial(share, 1500, replacement=True)
points = centers[label] + torch.randn(1500, 8)
loader = DataLoader(TensorDataset(points, label), batch_size=60, shuffle=True)

epsilon_w = 0.02
content = torch.bincount(label, minlength=3) / len(label)
loss_w = 1 / torch.log(1 / content + epsilon_w)  # fault: class_imbalance
# healthy: loss_w = 1 / (content + epsilon_w)
criterion = nn.CrossEntropyLoss(weight=loss_w)  # or here

model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    for x, y in loader:
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

with torch.no_grad():
    answers = model(points).argmax(dim=1)
recall = (answers[label == 2] == 2).float().mean().item()
accuracy = (answers == label).float().mean().item()
print(f"accuracy {accuracy:.3f}, persons found {recall:.2f}")
