"""Findings as people, programs and platforms want them: one module for each kind of reader."""
