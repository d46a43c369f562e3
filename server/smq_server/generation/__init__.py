"""From a question to a validated query. The only place that talks to a language model.

`generate` is the door: question and snapshot in, a value out. Whatever a model says is a proposal
until our own compiler has accepted it. Importing this package imports no client and no framework.
"""
