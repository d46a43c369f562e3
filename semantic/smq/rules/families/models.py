"""Rules of the models family."""
