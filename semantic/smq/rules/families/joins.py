"""Rules of the joins family."""
