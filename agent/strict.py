"""Settings that LangGraph reads while it is imported: import this first.

Without strict msgpack a checkpoint file that someone edited can name a class to be built on load; with tracing on, a
variable left in a shell would send every question to somebody else's server.
"""

import os

os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"
os.environ["LANGSMITH_TRACING"] = "false"
os.environ["LANGCHAIN_TRACING_V2"] = "false"
os.environ["LANGSMITH_GATEWAY"] = "false"


class AgentError(Exception):
    """Something that the agent cannot go on with: what, why, what to do."""

    def __init__(self, what: str, why: str, do: str) -> None:
        super().__init__(f"{what} {why} {do}")
        self.what, self.why, self.do = what, why, do


def require_strict() -> None:
    """Raises unless LangGraph really was imported with strict msgpack (another import may have come first)."""
    from langgraph.checkpoint.serde import _msgpack

    if not _msgpack.STRICT_MSGPACK_ENABLED:
        raise AgentError(
            "The agent does not start.",
            "LangGraph was imported before agent.strict, so its checkpoints would load any class.",
            "Import agent.conversation before langgraph, or set LANGGRAPH_STRICT_MSGPACK=true.",
        )
