"""A contrastive loss takes the root of squared distances, which are 0 for a picture and itself.

Source: https://github.com/pytorch/pytorch/issues/2421
Healthy: apart > 2 * together
Faulty: math.isnan(loss)
"""

import torch
from torch import nn

torch.manual_seed(0)
PEOPLE = 8
faces = torch.randn(PEOPLE, 12)
identity = torch.arange(PEOPLE).repeat(30)
photos = faces[identity] + 0.7 * torch.randn(len(identity), 12)


def pairwise_distance(embeddings):
    square = (embeddings[:, None] - embeddings[None, :]).pow(2).sum(dim=2)
    return square.sqrt()  # fault: nonfinite
    # healthy: return (square + 1e-8).sqrt()


def contrastive_loss(embeddings, labels, margin=2.0):
    distance = pairwise_distance(embeddings)
    same = (labels[:, None] == labels[None, :]).float()
    return (same * distance.pow(2) + (1 - same) * (margin - distance).clamp(min=0).pow(2)).mean()


model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(15):
    for batch in torch.randperm(len(photos)).split(40):
        batch_loss = contrastive_loss(model(photos[batch]), identity[batch])
        optimizer.zero_grad()
        batch_loss.backward()
        optimizer.step()
loss = batch_loss.item()

with torch.no_grad():
    distance = pairwise_distance(model(photos))
same = identity[:, None] == identity[None, :]
together, apart = distance[same].mean().item(), distance[~same].mean().item()
print(f"loss {loss:.3f}, same person {together:.2f}, others {apart:.2f}")
