"""The ground floor: arrays, devices, the tape. Knows nothing of networks."""
