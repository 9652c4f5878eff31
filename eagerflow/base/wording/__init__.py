"""What messages name: endings of files, packages and extras."""
