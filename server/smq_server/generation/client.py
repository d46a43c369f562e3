"""The real client: one call to an endpoint that speaks the protocol of OpenAI.

Everything an endpoint may do wrong ends here as a `GenerationFailure` or as a call made again:
rungs of abilities, rate limits, broken streams, silence, nonsense. What the model *says* is judged
elsewhere. Cancelling the task closes the stream, and with it the connection.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from smq_server.generation import abilities as rungs
from smq_server.generation import wire, wire_chat, wire_responses
from smq_server.generation.budget import Budget
from smq_server.generation.chat import Listener, Progress, Reply, Request, Usage, estimated_tokens
from smq_server.generation.connection import KEY, Connection
from smq_server.generation.failure import GenerationFailure

if TYPE_CHECKING:
    import openai

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 20.0
_WHILE_LOADING = 10
"""Times that a server which is just starting is asked again: for as long as most deadlines are."""
_INSTALL = "pip install 'smq[llm]'"

Pause = Callable[[float], Awaitable[object]]


class Client:
    """Asks one endpoint for one question; a `ChatModel`. Use it as an async context manager."""

    def __init__(
        self,
        connection: Connection,
        budget: Budget,
        listener: Listener = lambda _: None,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._connection = connection
        self._budget = budget
        self._listener = listener
        self._pause = pause
        self._api = _import()
        self._place = connection.base_url or ""
        settings = connection.settings
        self._openai = self._api.AsyncOpenAI(
            api_key=connection.key,
            base_url=connection.base_url,
            timeout=self._api.Timeout(settings.timeout, connect=min(10.0, settings.timeout)),
            # Retries are made here, where the budget and the listener know of them.
            max_retries=0,
        )

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._openai.close()

    async def ask(self, request: Request) -> Reply:
        """Ask until there is a whole reply, within the budget."""
        known = known_abilities(self._connection)
        reply, abilities = await self._ask(request, known)
        if self._connection.base_url is not None and not _is_obeyed(request, reply, abilities):
            reply, abilities = await self._without_promise(request, reply, abilities)
        if abilities != known:
            # Only now: an endpoint that refuses everything has not said what it lacks.
            rungs.remember(self._place, self._connection.model, abilities)
        if request.tools and not reply.calls:
            reply = replace(reply, calls=wire.calls_written(reply.text, request.tools))
        return reply

    async def _without_promise(
        self, request: Request, reply: Reply, abilities: rungs.Abilities
    ) -> tuple[Reply, rungs.Abilities]:
        """What to do where an endpoint takes a schema and answers as if there was none.

        Some forget it in the Responses API, and obey in chat completions. Who does so there is
        told of it in words the next time; what has been answered is worth a look all the same.
        """
        told = replace(abilities, structured="text")
        if not self._may_lower(abilities):
            return reply, told
        try:
            other, lower = await self._ask(request, rungs.CHAT)
        except GenerationFailure:
            # There may be no such thing as chat completions.
            return reply, told
        is_obeyed = _is_obeyed(request, other, lower)
        return other, lower if is_obeyed else replace(lower, structured="text")

    async def _ask(
        self, request: Request, abilities: rungs.Abilities
    ) -> tuple[Reply, rungs.Abilities]:
        retries = 0
        while True:
            parameters = parameters_of(request, self._connection, abilities)
            self._budget.begin_call(wire.tokens_of(parameters))
            try:
                async with asyncio.timeout(self._budget.remaining):
                    reply = await self._call(request, parameters, abilities)
            except _Lower as lower:
                abilities = lower.abilities
                if lower.is_refusal:
                    self._budget.take_back()
                continue
            except _Again as again:
                self._budget.spend(Usage(wire.tokens_of(parameters), 0))
                if retries >= max(self._connection.settings.retries, again.most):
                    raise again.failure from again
                await self._wait(retries, again)
                retries += 1
                continue
            except TimeoutError as error:
                raise self._budget.overdue() from error
            self._budget.spend(reply.usage)
            asked, _ = wire.prepared(request, abilities)
            if asked != request.messages:
                reply = replace(reply, asked=asked)
            return reply, abilities

    async def _wait(self, retries: int, again: _Again) -> None:
        seconds = again.after
        if seconds is None:
            # Not all clients of a busy endpoint should come back at the same moment.
            seconds = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**retries) * random.uniform(0.75, 1.25)
        if seconds >= self._budget.remaining:
            raise again.failure from again
        why = again.failure.message.partition(". ")[0].rstrip(".")
        self._listener(Progress("wait", f"{why}; asking again in {seconds:.1f} s"))
        await self._pause(seconds)

    async def _call(
        self, request: Request, parameters: dict[str, Any], abilities: rungs.Abilities
    ) -> Reply:
        is_chat = abilities.api == "chat"
        collect = wire_chat.Collector if is_chat else wire_responses.Collector
        collector = collect(
            lambda piece: self._listener(Progress("answer", piece)), abilities.tools
        )
        asked = self._openai.chat.completions if is_chat else self._openai.responses
        try:
            answer = await asked.create(**parameters)
            if abilities.streaming and hasattr(answer, "__aiter__"):
                async with answer as stream:
                    async for chunk in stream:
                        collector.add(chunk)
                        if collector.is_too_long:
                            break
            else:
                collector.add_whole(answer)
        except self._api.APIStatusError as error:
            raise self._refused(error, request, abilities) from error
        except self._api.APITimeoutError as error:
            if not collector.is_finished:
                raise _Again(self._silence()) from error
        except self._api.APIConnectionError as error:
            if not collector.is_finished:
                raise _Again(self._broken(collector)) from error
        except self._api.APIError as error:
            message = self._connection.scrubbed(error.message)
            raise _Again(self._failure("endpoint", f"reports: {message}")) from error
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            # Whatever is no event stream of this protocol breaks the reader in one of these ways.
            raise self._no_protocol(abilities) from error
        return self._whole(collector, parameters, abilities)

    def _whole(
        self, collector: wire.Collector, parameters: dict[str, Any], abilities: rungs.Abilities
    ) -> Reply:
        if collector.is_too_long:
            raise self._failure("too-long", "sent an answer without end.")
        if collector.is_empty and abilities.streaming and not self._may_lower(abilities):
            # Some endpoints ignore that a stream was asked for.
            raise _Lower(replace(abilities, streaming=False), is_refusal=False)
        if collector.is_empty:
            raise self._no_protocol(abilities)
        if collector.fault:
            message = self._connection.scrubbed(collector.fault)
            raise _Again(self._failure("endpoint", f"reports: {message}"))
        if collector.refusal:
            words = self._connection.scrubbed(collector.refusal)
            raise GenerationFailure("refused", f"The model refuses to answer: {words}")
        if collector.finish == "content_filter":
            raise GenerationFailure("refused", "The endpoint's filter has stopped the answer.")
        if collector.finish == "length":
            raise GenerationFailure(
                "too-long",
                "The answer was cut off because it has more tokens than llm.answer_tokens "
                f"({self._connection.settings.answer_tokens}). Raise it, or ask for less at once.",
            )
        if collector.finish is None:
            raise _Again(self._broken(collector))
        usage = collector.usage
        if usage is None or usage.sent == 0:
            # Some count nothing, which is not what was spent.
            tokens = estimated_tokens(collector.everything)
            usage = Usage(wire.tokens_of(parameters), tokens)
        return collector.reply(usage)

    # What can be wrong

    def _may_lower(self, abilities: rungs.Abilities) -> bool:
        """Whether the endpoint may be asked by chat completions instead."""
        return abilities.api == "responses" and self._connection.settings.api == "auto"

    def _no_protocol(self, abilities: rungs.Abilities) -> Exception:
        """Something came that is no answer: a web page, another protocol."""
        return _Lower(rungs.CHAT) if self._may_lower(abilities) else _Again(self._nonsense())

    def _refused(
        self, error: openai.APIStatusError, request: Request, abilities: rungs.Abilities
    ) -> Exception:
        """What an error status means: a lower rung, another try, or the end."""
        status = error.status_code
        words, code = wire.words_of(error)
        said = self._connection.scrubbed(words)
        if status in (401, 403):
            return GenerationFailure(
                "unauthorised",
                f"{self._connection.place} does not accept the key ({status}: {said}). "
                f"Set the right one as {KEY} in the environment.",
            )
        if status == 429:
            if code in ("insufficient_quota", "billing_hard_limit_reached"):
                return GenerationFailure("rate-limited", f"The account has no quota left: {said}")
            return _Again(
                self._failure("rate-limited", f"is busy (429: {said}). Ask again later."),
                wire.retry_after(error),
            )
        if wire.is_too_long(status, words, code):
            return GenerationFailure(
                "too-long",
                f"The question and the models do not fit into the model's context ({said}). "
                "Lower llm.prompt_tokens, or start the endpoint with a larger context.",
            )
        lower = rungs.without(
            abilities,
            status,
            words,
            structured=request.answer is not None,
            tools=bool(request.tools),
        )
        if lower is not None and (lower.api == abilities.api or self._may_lower(abilities)):
            return _Lower(lower)
        if status == 404:
            return self._failure(
                "endpoint",
                f"knows no model {self._connection.model}, or is no such endpoint (404: {said}). "
                "Check llm.model and llm.base_url"
                + (".", ", and whether llm.api is right.")[self._connection.settings.api != "auto"],
            )
        if status == 503 and "loading" in words.lower():
            failure = self._failure("endpoint", f"is still loading its model (503: {said}).")
            return _Again(failure, wire.retry_after(error), _WHILE_LOADING)
        failure = self._failure("endpoint", f"answers with an error ({status}: {said}).")
        if status in (408, 409) or status >= 500:
            return _Again(failure, wire.retry_after(error))
        return failure

    def _failure(self, kind: Any, what: str) -> GenerationFailure:
        return GenerationFailure(kind, f"{self._connection.place} {what}")

    def _silence(self) -> GenerationFailure:
        seconds = self._connection.settings.timeout
        return self._failure("timeout", f"has said nothing for {seconds:g} seconds (llm.timeout).")

    def _broken(self, collector: wire.Collector) -> GenerationFailure:
        if collector.is_empty:
            return self._failure(
                "unreachable", "cannot be reached. Check llm.base_url and the network."
            )
        return self._failure("endpoint", "has broken off in the middle of an answer.")

    def _nonsense(self) -> GenerationFailure:
        return self._failure(
            "endpoint", "does not speak the protocol of OpenAI. Check llm.base_url."
        )


def known_abilities(connection: Connection) -> rungs.Abilities:
    """How the endpoint is asked next."""
    known = rungs.abilities_of(connection.base_url or "", connection.model)
    return rungs.pinned(known, connection.settings.api)


def parameters_of(
    request: Request, connection: Connection, abilities: rungs.Abilities
) -> dict[str, Any]:
    """The body of a call."""
    if abilities.api == "chat":
        return wire_chat.parameters(request, connection, abilities)
    return wire_responses.parameters(request, connection, abilities)


def _is_obeyed(request: Request, reply: Reply, abilities: rungs.Abilities) -> bool:
    """Whether the answer has all that the schema requires which the endpoint has taken."""
    if request.answer is None or abilities.structured not in ("json_schema", "object_with_schema"):
        return True
    return wire.is_of_shape(reply.text, request.answer)


class _Lower(Exception):
    """The endpoint is to be asked otherwise; not a refusal where it may have asked its model."""

    def __init__(self, abilities: rungs.Abilities, is_refusal: bool = True) -> None:
        super().__init__()
        self.abilities = abilities
        self.is_refusal = is_refusal


class _Again(Exception):
    """A call that may succeed when it is made again; `after` are seconds the endpoint named.

    `most` is how often, where that is more than the settings say.
    """

    def __init__(
        self, failure: GenerationFailure, after: float | None = None, most: int = 0
    ) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.after = after
        self.most = most


def _import() -> Any:
    try:
        import openai
    except ImportError as error:
        raise GenerationFailure(
            "missing-extra", f"Language models need the openai package: {_INSTALL}"
        ) from error
    return openai
