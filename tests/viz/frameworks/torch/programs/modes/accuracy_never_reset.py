"""The counts of the validation accuracy are never set back, so each epoch shows the mean of all so far.

Source: https://github.com/MichiganCOG/ViP/issues/34
Healthy: abs(shown - true) < 1e-6
Faulty: shown < true - 0.05
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(6)
CLASSES = 5
prototypes = torch.randn(CLASSES, 16)
labels = torch.randint(0, CLASSES, (500,))
clips = prototypes[labels] + torch.randn(500, 16)
train_loader = DataLoader(TensorDataset(clips[:400], labels[:400]), batch_size=50, shuffle=True)
valid_loader = DataLoader(TensorDataset(clips[400:], labels[400:]), batch_size=50)


class Accuracy:
    def __init__(self):
        self.reset()

    def reset(self):
        self.correct, self.total = 0, 0

    def get_accuracy(self, predictions, targets):
        self.correct += (predictions.argmax(1) == targets).sum().item()
        self.total += len(targets)
        return self.correct / self.total


model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, CLASSES))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
acc_metric = Accuracy()
for epoch in range(15):
    model.train()
    for x, y in train_loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    # healthy: acc_metric.reset()
    with torch.no_grad():
        for x, y in valid_loader:
            shown = acc_metric.get_accuracy(model(x), y)  # fault: unreset_metric
            # healthy: shown = acc_metric.get_accuracy(model(x), y)
    print(f"epoch {epoch}: loss {loss.item():.3f}, validation accuracy {shown:.3f}")
true = (model(clips[400:]).argmax(1) == labels[400:]).float().mean().item()
