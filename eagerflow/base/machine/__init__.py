"""What belongs to the process and its processor: the allocator, and how numbers are rounded."""
