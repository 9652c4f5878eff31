"""What eagerflow's commands share: the parser, exit statuses, and names of scripts and modules."""
