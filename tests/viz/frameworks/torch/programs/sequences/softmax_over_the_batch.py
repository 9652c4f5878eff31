"""The tutorial's classifier ends with a log-softmax over dim 0, the rows of the batch.

Source: https://github.com/MicrosoftDocs/pytorchfundamentals/pull/21
Healthy: accuracy > 0.9 and train_loss < 0.3
Faulty: train_loss > 2
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(7)
share = torch.tensor([0.4, 0.3, 0.2, 0.06, 0.04])
prototypes = torch.randn(5, 14) * 0.8
labels = torch.multinomial(share, 600, replacement=True)
images = prototypes[labels] + torch.randn(600, 14)
loader = DataLoader(TensorDataset(images, labels), batch_size=60, shuffle=True)

net = nn.Sequential(
    nn.Linear(14, 40),
    nn.ReLU(),
    nn.Linear(40, 5),
    nn.LogSoftmax(dim=0),  # fault: softmax_axis
    # healthy: nn.LogSoftmax(dim=1),
)
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
loss_fn = nn.NLLLoss()


def train_epoch():
    count, acc, total = 0, 0, 0.0
    for features, target in loader:
        optimizer.zero_grad()
        out = net(features)  # or here
        loss = loss_fn(out, target)  # or here
        loss.backward()
        optimizer.step()
        total += loss.item()
        acc += (out.argmax(1) == target).sum().item()
        count += len(target)
    return total / len(loader), acc / count


for epoch in range(15):
    train_loss, accuracy = train_epoch()
    print(f"Epoch {epoch:2}, Train acc={accuracy:.3f}, Train loss={train_loss:.3f}")
