"""Many elements into few: sums, means, extremes, statistics, running sums, segments."""
