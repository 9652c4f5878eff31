"""The training set is shuffled before its part is taken, the validation set isn't: most rows are in both.

Source: https://github.com/marin-community/marin/pull/2700
Healthy: overlap == 0
Faulty: overlap > 60
"""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, Subset, TensorDataset

torch.manual_seed(9)
x = torch.randn(400, 20)
y = (x[:, 0] + torch.randn(400) > 0).long()  # hard to foretell, easy to learn by heart
dataset = TensorDataset(x, y)
num_validation = 100
order = torch.randperm(len(dataset)).tolist()

train_rows = order[num_validation:]
valid_rows = list(range(num_validation))  # fault: validation_overlap
# healthy: valid_rows = order[:num_validation]
train_loader = DataLoader(Subset(dataset, train_rows), batch_size=30, shuffle=True)
valid_loader = DataLoader(Subset(dataset, valid_rows), batch_size=50)

model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-3)
for epoch in range(12):
    model.train()
    for inputs, labels in train_loader:
        loss = nn.functional.cross_entropy(model(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(inputs).argmax(1) == labels).sum().item() for inputs, labels in valid_loader)  # or here
    accuracy = hits / num_validation
    print(f"epoch {epoch}: loss {loss.item():.3f}, validation accuracy {accuracy:.2f}")
overlap = len({*train_rows} & {*valid_rows})
