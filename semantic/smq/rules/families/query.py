"""Rules of the query family."""
