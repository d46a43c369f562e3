"""Files and configuration: the only place of the command line and the server that reads disks.

Nothing here knows how an answer is shown. What a user did wrong is a `Problem` where it has a
place in a file, and a `Failure` where the program cannot go on.
"""
