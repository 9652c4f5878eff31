"""What messages name (endings of files, packages and extras), and how the command line words them."""
