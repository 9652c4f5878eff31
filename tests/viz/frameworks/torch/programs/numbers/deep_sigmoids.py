"""Ten layers of sigmoids, each of which passes a quarter of the gradient on at most.

Source: https://www.mohdvasim.com/blog/deep-learning/03-activations (Vanishing Gradient Problem)
Healthy: accuracy > 0.9
Faulty: accuracy < 0.6
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(6)
x = torch.randn(500, 8)
y = (x[:, 0] * x[:, 1] > 0).float().unsqueeze(1)
x[:, 2] = x[:, 0] * x[:, 1] + 0.1 * torch.randn(500)
loader = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)


class DeepNet(nn.Module):
    def __init__(self, depth=10, width=32):
        super().__init__()
        layers = [nn.Linear(8, width), nn.ReLU()]
        for _ in range(depth):
            layers.append(nn.Linear(width, width))
            layers.append(nn.Sigmoid())  # fault: vanishing_gradient, saturated
            # healthy: nn.init.kaiming_normal_(layers[-1].weight)
            # healthy: layers.append(nn.ReLU())
        self.net = nn.Sequential(*layers)
        self.output = nn.Linear(width, 1)

    def forward(self, x):
        return self.output(self.net(x))  # or here


model = DeepNet()
loss_fn = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(15):
    hits = 0
    for inputs, labels in loader:
        logits = model(inputs)
        loss = loss_fn(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        hits += ((logits > 0) == (labels > 0)).sum().item()
    accuracy = hits / 500
print(f"loss {loss.item():.4f}, accuracy {accuracy:.3f}")
