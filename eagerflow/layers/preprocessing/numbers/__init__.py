"""Features as layers: scaled, put into bins, encoded."""
