"""What an editor asks about a workspace, in editor words: offsets, labels, edits; no protocol.

Every feature is a function of a snapshot and a place. `smq.ide.mentions` says once what is written
where; the features read it.
"""
