"""What differs between two traces, models or files of weights."""
