"""An L1 penalty of all weights is added as a sum: it outweighs the loss of the data.

Source: https://discuss.pytorch.org/t/how-is-your-experience-of-using-l1-regularization/153565
Healthy: accuracy > 0.9
Faulty: accuracy < 0.65
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)
x = torch.randn(600, 12)
y = (x[:, 0] + x[:, 1] - x[:, 2] > 0).long()
loader = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)

model = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss()
l1_lambda = 0.5  # fault: penalty_dominates
# healthy: l1_lambda = 1e-4

for epoch in range(12):
    correct = 0
    for inputs, labels in loader:
        outputs = model(inputs)
        penalty = sum(p.abs().sum() for p in model.parameters())
        loss = criterion(outputs, labels) + l1_lambda * penalty  # or here
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        correct += (outputs.argmax(1) == labels).sum().item()
    accuracy = correct / 600
    print(f"epoch {epoch}: loss {loss.item():.3f}, accuracy {accuracy:.3f}")
