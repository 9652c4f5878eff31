"""What viz knows of eagerflow's own classes and ops."""
