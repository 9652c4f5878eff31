"""The last layer of the tutorial's network is followed by a ReLU, so no class can get a score below zero.

Source: https://github.com/pytorch/tutorials/pull/1644
Healthy: test_accuracy > 0.98
Faulty: test_accuracy < 0.95
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(6)
prototypes = torch.rand(10, 1, 8, 8)
targets = torch.randint(0, 10, (900,))
pictures = ((prototypes[targets] + 0.25 * torch.randn(900, 1, 8, 8)) - 0.5) / 0.4
training_data, test_data = random_split(TensorDataset(pictures, targets), [700, 200])
train_dataloader = DataLoader(training_data, batch_size=50, shuffle=True)
test_dataloader = DataLoader(test_data, batch_size=50)


class NeuralNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.flatten = nn.Flatten()
        self.linear_relu_stack = nn.Sequential(
            nn.Linear(64, 64),
            nn.ReLU(),
            nn.Linear(64, 10),
            nn.ReLU(),  # fault: loss_mismatch, dead_relu
        )

    def forward(self, x):
        return self.linear_relu_stack(self.flatten(x))  # or here


model = NeuralNetwork()
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for t in range(12):
    model.train()
    for X, y in train_dataloader:
        loss = loss_fn(model(X), y)  # or here
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
    with torch.no_grad():
        right = sum((model(X).argmax(1) == y).sum().item() for X, y in test_dataloader)
    test_accuracy = right / len(test_data)
    print(f"Epoch {t + 1}: loss {loss.item():.3f}, test accuracy {test_accuracy:.3f}")
