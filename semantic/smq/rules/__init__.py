"""Rules: what can be wrong with a workspace, in words, with fixes."""

from smq.rules.registry import Rule, find, looking_rules, rule, rules

__all__ = ["Rule", "find", "looking_rules", "rule", "rules"]
