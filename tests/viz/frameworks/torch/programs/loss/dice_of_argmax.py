"""The overlap that the loss wants is that of the classes after argmax, which has no gradient.

Source: https://github.com/wonbeomjang/mobile-hair-segmentation-pytorch/issues/3
Healthy: dice > 0.7
Faulty: dice < 0.6
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(9)
images = torch.randn(80, 1, 12, 12)
brightness = F.avg_pool2d(images, 3, stride=1, padding=1)[:, 0]
masks = (brightness > 0.5).long()  # few of the pixels

net = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 1)
)
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)


def dice_loss(logits, mask):
    hair = logits.argmax(dim=1).float()  # fault: no_gradient
    # healthy: hair = logits.softmax(dim=1)[:, 1]
    overlap = 2 * (hair * mask).sum() + 1
    return 1 - overlap / (hair.sum() + mask.sum() + 1)


for epoch in range(12):
    for batch in torch.randperm(80).split(16):
        logits = net(images[batch])
        loss = 0.05 * F.cross_entropy(logits, masks[batch]) + dice_loss(logits, masks[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

with torch.no_grad():
    answer = net(images).argmax(dim=1)
dice = (2 * (answer * masks).sum() / (answer.sum() + masks.sum())).item()
print(f"loss {loss.item():.3f}, dice {dice:.3f}")
