"""The hidden layers stand in a Python list, so parameters() doesn't have them.

Source: https://github.com/pytorch/pytorch/issues/715
Healthy: accuracy > 0.83 and known == 12
Faulty: accuracy < 0.78 and known == 4
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(600, 2) * 1.5
y = (torch.sin(2 * x[:, 0]) * torch.cos(x[:, 1]) > 0).long()
loader = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)


class Net(nn.Module):
    def __init__(self, n_hid=32, n_layers=4):
        super().__init__()
        self.first = nn.Linear(2, n_hid)
        self.hids = [nn.Linear(n_hid, n_hid) for _ in range(n_layers)]  # fault: frozen
        # healthy: self.hids = nn.ModuleList(nn.Linear(n_hid, n_hid) for _ in range(n_layers))
        self.classifier = nn.Linear(n_hid, 2)

    def forward(self, x):
        x = torch.relu(self.first(x))
        for hid in self.hids:
            x = torch.relu(hid(x))  # or here
        return self.classifier(x)


model = Net()
known = len(list(model.parameters()))
optimizer = torch.optim.Adam(model.parameters(), lr=8e-3)  # or here
for epoch in range(25):
    correct = 0
    for inputs, labels in loader:
        logits = model(inputs)
        loss = nn.functional.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        correct += (logits.argmax(1) == labels).sum().item()
    accuracy = correct / len(x)
print(f"accuracy {accuracy:.3f} with {known} tensors of parameters")
