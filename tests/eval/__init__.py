"""How well questions become queries: what is asked, what is right, and the counting.

`python -m tests.eval selection` measures which model files are found, without a language model;
`python -m tests.eval strategies` asks the language model that the environment names.
"""
