"""What `compile(jit_compile=True)` does: steps.py: which parts are captured; ahead.py: several batches at once."""
