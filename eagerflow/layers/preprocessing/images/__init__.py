"""Images resized, moved, coloured; with labels, boxes and masks that go along."""
