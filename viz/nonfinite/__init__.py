"""Where NaN and infinities come from: in a recording, or while a program runs."""
