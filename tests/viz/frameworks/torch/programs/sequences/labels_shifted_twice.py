"""The labels are shifted by the data set and once more by the model: the word after the next one is learnt.

Source: https://github.com/huggingface/transformers/pull/37830
Healthy: next_word > 0.95
Faulty: next_word < 0.3 and loss < 0.2
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(2)
VOCAB, BLOCK = 16, 12
order = torch.randperm(VOCAB)
tape = [torch.tensor(0)]
for i in range(2000):
    tape.append(order[tape[-1]] if i % 97 else torch.randint(0, VOCAB, ()))
tape = torch.stack(tape)


class Blocks(Dataset):
    def __len__(self):
        return len(tape) // BLOCK - 1

    def __getitem__(self, i):
        start = i * BLOCK
        return tape[start : start + BLOCK], tape[start + 1 : start + BLOCK + 1]


class LanguageModel(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, dim)
        self.rnn = nn.GRU(dim, dim, batch_first=True)
        self.head = nn.Linear(dim, VOCAB)

    def forward(self, tokens, labels=None):
        logits = self.head(self.rnn(self.embed(tokens))[0])
        if labels is None:
            return logits
        shift_logits, shift_labels = logits[:, :-1], labels[:, 1:]  # fault: label_leak
        loss = F.cross_entropy(shift_logits.flatten(0, 1), shift_labels.flatten())  # fault: label_leak
        # healthy: loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten())
        return loss


model = LanguageModel()
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
for epoch in range(12):
    losses = []
    for tokens, labels in DataLoader(Blocks(), batch_size=16, shuffle=True):
        batch_loss = model(tokens, labels)
        optimizer.zero_grad()
        batch_loss.backward()
        optimizer.step()
        losses.append(batch_loss.item())
    loss = sum(losses) / len(losses)

with torch.no_grad():
    answers = model(tape[None, :-1])[0].argmax(dim=-1)
next_word = (answers == tape[1:]).float().mean().item()
print(f"loss {loss:.3f}, next word right: {next_word:.3f}")
