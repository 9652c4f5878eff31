"""One output is trained with a squared error to give the number of a class, which has no order.

Source: https://discuss.pytorch.org/t/using-mseloss-instead-of-crossentropy-for-ordinal-regression-classification/102473
Healthy: accuracy > 0.9
Faulty: accuracy < 0.85
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(5)
CLASSES = 6
centers = torch.randn(CLASSES, 12) * 1.6
y = torch.randint(0, CLASSES, (600,))
x = centers[y] + torch.randn(600, 12)
loader = DataLoader(TensorDataset(x, y), batch_size=30, shuffle=True)

net = nn.Sequential(
    nn.Linear(12, 32),
    nn.ReLU(),
    nn.Linear(32, 1),  # fault: class_loss, loss_mismatch
    # healthy: nn.Linear(32, CLASSES),
)
criterion = nn.MSELoss()  # fault: class_loss, loss_mismatch
# healthy: criterion = nn.CrossEntropyLoss()
opt = torch.optim.Adam(net.parameters(), lr=0.005)


def predict(output):
    return output.squeeze(1).round().clamp(0, CLASSES - 1).long()  # fault: class_loss, loss_mismatch
    # healthy: return output.argmax(dim=1)


for epoch in range(15):
    correct = 0
    for features, target in loader:
        output = net(features)
        loss = criterion(output.squeeze(1), target.float())  # fault: class_loss, loss_mismatch
        # healthy: loss = criterion(output, target)
        opt.zero_grad()
        loss.backward()
        opt.step()
        correct += (predict(output) == target).sum().item()
    accuracy = correct / len(x)
    print(f"epoch {epoch}: accuracy {accuracy:.2%}")
