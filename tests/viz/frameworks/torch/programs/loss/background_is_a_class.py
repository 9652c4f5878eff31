"""Objects have the classes 1 to 4, and "nothing there" is given number 4, too.

Source: https://github.com/YuqingWang1029/VisTR/issues/11
Healthy: recall_of_last_class > 0.8
Faulty: recall_of_last_class < 0.3
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(8)
NUM_CLASSES = 4
centers = torch.randn(NUM_CLASSES + 1, 16) * 1.7
category = torch.randint(1, NUM_CLASSES + 1, (600,))  # as in the annotations: 1, 2, 3, 4
is_object = torch.rand(600) < 0.4
queries = centers[category * is_object] + torch.randn(600, 16)

background = NUM_CLASSES  # fault: label_range, class_loss
# healthy: background = 0
targets = torch.where(is_object, category, torch.full_like(category, background))  # or here
loader = DataLoader(TensorDataset(queries, targets), batch_size=50, shuffle=True)

head = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, NUM_CLASSES + 1))
optimizer = torch.optim.Adam(head.parameters(), lr=0.01)
weight = torch.ones(NUM_CLASSES + 1)
weight[background] = 0.5
for epoch in range(15):
    for query, target in loader:
        loss = F.cross_entropy(head(query), target, weight=weight)  # or here
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

with torch.no_grad():
    answers = head(queries).argmax(dim=1)
detected = (answers == category) & (answers != background)
last = is_object & (category == NUM_CLASSES)
recall_of_last_class = detected[last].float().mean().item()
print(f"loss {loss.item():.3f}, detected of class {NUM_CLASSES}: {recall_of_last_class:.2f}")
