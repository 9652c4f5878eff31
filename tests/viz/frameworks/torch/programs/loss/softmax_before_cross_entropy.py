"""A classifier ends with a softmax, and CrossEntropyLoss takes its output for logits.

Source: https://discuss.pytorch.org/t/cross-entropy-loss-is-not-decreasing/43814
Healthy: loss < 0.3 and accuracy > 0.9
Faulty: loss > 1.45
"""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
centers = torch.randn(10, 20) * 2
labels = torch.randint(0, 10, (640,))
features = centers[labels] + torch.randn(640, 20)
loader = DataLoader(TensorDataset(features, labels), batch_size=64, shuffle=True)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(20, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        return torch.softmax(self.fc2(x), dim=1)  # fault: loss_mismatch
        # healthy: return self.fc2(x)


model = Classifier()
criterion = nn.CrossEntropyLoss()  # or here
optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

for epoch in range(10):
    total, correct = 0.0, 0
    for x, y in loader:
        optimizer.zero_grad()
        output = model(x)
        batch_loss = criterion(output, y)  # or here
        batch_loss.backward()
        optimizer.step()
        total += batch_loss.item() * len(x)
        correct += (output.argmax(1) == y).sum().item()
    loss, accuracy = total / 640, correct / 640
    print(f"epoch {epoch}: loss {loss:.3f}, accuracy {accuracy:.3f}")
