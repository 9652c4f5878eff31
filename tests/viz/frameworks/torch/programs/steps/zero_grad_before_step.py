"""The gradients are cleared between backward and step, so the optimizer finds none.

Source: https://velog.io/@rhss10/기본-optimizer.zerograd는-어디에-넣어주어야-할까
Healthy: accuracy > 0.9
Faulty: accuracy < 0.5
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
centers = torch.randn(4, 8) * 2
labels = torch.randint(0, 4, (480,))
data = centers[labels] + torch.randn(480, 8)
train_batch = DataLoader(TensorDataset(data, labels), batch_size=48, shuffle=True)

model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=60, gamma=0.5)

for epoch in range(12):
    correct = 0
    for x, y in train_batch:
        logits = model(x)
        loss = criterion(logits, y)
        loss.backward()
        optimizer.zero_grad()  # fault: frozen, no_gradient
        optimizer.step()  # or here
        scheduler.step()
        # healthy: optimizer.zero_grad()
        correct += (logits.argmax(1) == y).sum().item()
    accuracy = correct / 480
    print(f"epoch {epoch}: loss {loss.item():.3f} accuracy {accuracy:.3f}")
