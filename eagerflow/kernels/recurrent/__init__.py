"""LSTM, GRU and simple RNN through time and back; alignments of sequences (CTC)."""
