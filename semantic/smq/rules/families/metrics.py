"""Rules of the metrics family."""
