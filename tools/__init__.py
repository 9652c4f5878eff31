"""Programs for those who work on eagerflow."""
