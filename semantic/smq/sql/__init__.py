"""From a written query to SQL: `compile_query` in `smq.sql.compile`, results in `.result`."""

from smq.sql.result import Compiled, CompiledQuery, JoinStep, LeafReport, OutputColumn

__all__ = ["Compiled", "CompiledQuery", "JoinStep", "LeafReport", "OutputColumn"]
