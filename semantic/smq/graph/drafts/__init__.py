"""First drafts of semantic models from tables, ready to edit and free of findings.

models = model_tables(tables, "bigquery")
text = write_models(models, "bigquery", "smq")
"""

from smq.graph.drafts.modelling import DraftMember, DraftModel, labelled, model_tables
from smq.graph.drafts.writing import Form, write_items, write_member, write_models

__all__ = [
    "DraftMember",
    "DraftModel",
    "Form",
    "labelled",
    "model_tables",
    "write_items",
    "write_member",
    "write_models",
]
