"""One row in twenty is of the class that matters, all rows count alike: the network never answers it.

Source: https://discuss.pytorch.org/t/how-to-go-about-unbalanced-data-in-a-binary-classification-in-pytorch/90655
Healthy: recall > 0.7
Faulty: recall < 0.1 and accuracy > 0.9
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
ill = (torch.rand(1600) < 0.05).float()
values = torch.randn(1600, 10) + ill[:, None] * torch.linspace(0, 0.8, 10)
loader = DataLoader(TensorDataset(values, ill), batch_size=80, shuffle=True)


class Screening(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, x):
        return self.layers(x).squeeze(1)


model = Screening()
criterion = nn.BCEWithLogitsLoss()  # fault: class_imbalance
# healthy: criterion = nn.BCEWithLogitsLoss(pos_weight=(1 - ill).sum() / ill.sum())
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    for x, y in loader:
        loss = criterion(model(x), y)  # or here
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        answers = (model(values) > 0).float()
    accuracy = (answers == ill).float().mean().item()
    recall = answers[ill == 1].mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, accuracy {accuracy:.3f}, recall {recall:.2f}")
