"""Rules: what can be wrong with a workspace, in words, with fixes."""

from smq.rules.registry import Rule, find, rule, rules

__all__ = ["Rule", "find", "rule", "rules"]
