"""Sequences are padded to the same length, and the padding counts in the loss as if it were words.

Source: https://github.com/lucidrains/DALLE-pytorch/issues/57
Healthy: accuracy > 0.65
Faulty: accuracy < 0.55
"""

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

torch.manual_seed(3)
PAD, TAGS, LONGEST = 0, 5, 60
lexicon = torch.randint(1, TAGS, (30,))


def make_sentence():
    length = int(torch.randint(3, 8, ())) if torch.rand(()) < 0.95 else LONGEST
    words = torch.randint(1, 30, (length,))
    noisy = torch.where(torch.rand(length) < 0.6, lexicon[words], torch.randint(1, TAGS, (length,)))
    return words, noisy


def collate(batch):
    words, tags = zip(*batch)
    return pad_sequence(words, batch_first=True), pad_sequence(tags, batch_first=True)


sentences = [make_sentence() for _ in range(300)]
loader = DataLoader(sentences, batch_size=60, shuffle=True, collate_fn=collate)
tagger = nn.Sequential(nn.Embedding(30, 16), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, TAGS))
criterion = nn.CrossEntropyLoss()  # fault: class_imbalance
# healthy: criterion = nn.CrossEntropyLoss(ignore_index=PAD)
optimizer = torch.optim.SGD(tagger.parameters(), lr=0.5)

for epoch in range(15):
    for words, tags in loader:
        logits = tagger(words)
        loss = criterion(logits.transpose(1, 2), tags)  # or here
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

with torch.no_grad():
    words, tags = collate(sentences)
    right = tagger(words).argmax(dim=2) == tags
real = tags != PAD
accuracy = right[real].float().mean().item()
print(f"loss {loss.item():.3f}, right tags {accuracy:.3f}, with padding {right.float().mean().item():.3f}")
