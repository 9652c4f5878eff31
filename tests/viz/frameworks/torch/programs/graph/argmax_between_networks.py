"""The first network's classes go through argmax to the second, which tells the first nothing.

Source: https://github.com/pytorch/pytorch/issues/1339
Healthy: accuracy > 0.9
Faulty: accuracy < 0.85
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(6)
SYMBOLS = 6
sender = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, SYMBOLS))
receiver = nn.Linear(SYMBOLS, 4)
optimizer = torch.optim.Adam([*sender.parameters(), *receiver.parameters()], lr=0.02)

points = torch.randn(600, 2)
quadrant = (points[:, 0] > 0).long() + 2 * (points[:, 1] > 0).long()

for epoch in range(20):
    correct = 0
    for batch in torch.randperm(600).split(60):
        scores = sender(points[batch])
        y_p = torch.max(scores, 1)[1]  # fault: no_gradient
        message = F.one_hot(y_p, SYMBOLS).float()  # fault: no_gradient
        # healthy: message = F.gumbel_softmax(scores, hard=True)
        answer = receiver(message)
        loss = F.cross_entropy(answer, quadrant[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        correct += (answer.argmax(1) == quadrant[batch]).sum().item()
    accuracy = correct / 600
print(f"loss {loss.item():.3f}, accuracy {accuracy:.3f}")
