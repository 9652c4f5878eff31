"""A trainer validates in the middle of each epoch, which begins with training mode: most steps run without dropout.

Source: https://github.com/wkentaro/pytorch-fcn/issues/57
Healthy: dropped == 160
Faulty: dropped <= 32
"""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(720, 12)
y = (x[:, 0] * x[:, 1] > 0).long()
train_loader = DataLoader(TensorDataset(x[:640], y[:640]), batch_size=20, shuffle=True)
val_loader = DataLoader(TensorDataset(x[640:], y[640:]), batch_size=40)


class Trainer:
    def __init__(self, model, optimizer):
        self.model, self.optimizer, self.dropped = model, optimizer, 0

    def validate(self):
        self.model.eval()  # or here
        with torch.no_grad():
            for inputs, labels in val_loader:
                self.model(inputs)
        # healthy: self.model.train()

    def train_epoch(self):
        self.model.train()
        for iteration, (inputs, labels) in enumerate(train_loader):
            if iteration % 8 == 4:
                self.validate()  # fault: dropout_idle
                # healthy: self.validate()
            loss = nn.functional.cross_entropy(self.model(inputs), labels)  # or here
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.dropped += self.model[2].training


net = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 2))  # or here
trainer = Trainer(net, optim.Adam(net.parameters(), lr=5e-3))
for epoch in range(5):
    trainer.train_epoch()
dropped = trainer.dropped
