"""Rules of the expressions family."""
