"""Real editors, driven from inside, on the example workspace."""
