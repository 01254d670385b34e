"""The story: three acting people on the same HTTP surfaces that people use, one line a step.

Each step looks at what was said, drawn, stored or changed; one that did not happen ends the story with exit code 1.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from app.demo.children import base_environment
from app.demo.world import CHANNEL, World
from app.errors import Exit
from sandbox.slack.driver import DriverError, SlackDriver, buttons, shown_text

OLIVIA, ARJUN, EDITH = "U0OLIVIA", "U0ARJUN", "U0EDITH"
ANSWER_SECONDS = 180.0
"""Never waited for in vain: a machine busy with other work takes many times what an idle one takes."""


class StepFailed(Exception):
    """A step that did not happen; its text says what was there instead."""


@dataclass
class Stage:
    """What the acting people know so far."""

    world: World
    slack: SlackDriver
    http: httpx.AsyncClient
    thread: str = ""
    proposal: str = ""
    card_ts: str = ""
    approval_delivery: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    async def ask(self, text: str) -> str:
        """Olivia writes to the app, in her thread; returns what it answers, without the steps above it."""
        if self.thread:
            before = {message["ts"] for message in await self.slack.messages("@app", user=OLIVIA)}
            said = await self.slack.say(OLIVIA, "@app", text, thread_ts=self.thread)
        else:
            before = set()
            said = await self.slack.say(OLIVIA, "@app", text)
            self.thread = said.ts
        message = await self.slack.until_message(
            "@app",
            lambda m: m["ts"] not in before | {said.ts} and m.get("user") != OLIVIA and not m.get("streaming"),
            user=OLIVIA,
            thread_ts=self.thread,
            seconds=ANSWER_SECONDS,
            hint=f"no answer to {text!r}",
        )
        blocks = [one for one in message.get("blocks", []) if one.get("type") != "plan"]
        return shown_text({**message, "blocks": blocks})

    async def card(self, what: Callable[[str], bool], hint: str) -> str:
        """Waits until the proposal's card says what is expected."""
        message = await self.slack.until_message(
            CHANNEL, lambda m: self.proposal in json.dumps(m) and what(shown_text(m)), seconds=ANSWER_SECONDS, hint=hint
        )
        self.card_ts = message["ts"]
        return shown_text(message)

    async def whisper(self, user: str, word: str) -> str:
        """Waits for a note in the approvals channel that only this person sees."""
        message = await self.slack.until_message(
            CHANNEL,
            lambda m: word in shown_text(m) and m["ts"] != self.card_ts,
            user=user,
            seconds=ANSWER_SECONDS,
            hint=f"{user} was not told {word!r}",
        )
        return str(message["text"])

    async def mutations(self) -> list[dict[str, Any]]:
        """What the sandbox's AWS was really made to change."""
        answer = await self.http.get(f"{self.world.aws}/spendgate-sandbox/calls")
        return list(answer.json()["calls"])


def need(condition: object, otherwise: str) -> None:
    """Ends the step where the condition does not hold."""
    if not condition:
        raise StepFailed(otherwise)


def first_line(text: str, limit: int = 150) -> str:
    """The first line that says something, for the listing."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= limit else line[: limit - 1] + "…"


async def asks_what_ai_cost(stage: Stage) -> str:
    """Olivia asks what AI cost last month, by team"""
    answer = await stage.ask("What did AI cost last month, by team?")
    need("$" in answer, f"no figure in the answer: {answer}")
    return first_line(answer)


async def asks_why_it_jumped(stage: Stage) -> str:
    """Olivia asks why it jumped"""
    answer = await stage.ask("Why did it jump?")
    need("$" in answer, f"no figure in the answer: {answer}")
    return first_line(answer)


async def asks_what_is_idle(stage: Stage) -> str:
    """Olivia asks which GPU machines are idle"""
    answer = await stage.ask("Which GPU machines are idle?")
    truth = json.loads((stage.world.bank / "truth.json").read_text())
    stage.facts["idle"] = idle_ids(truth)
    need(any(name in answer for name in stage.facts["idle"]), f"none of the planted idle machines is named: {answer}")
    return first_line(answer)


def idle_ids(truth: dict[str, Any]) -> set[str]:
    """The ids of the machines that the bank planted as idle."""
    return {word.strip('",') for word in json.dumps(truth).split() if word.startswith('"i-')}


async def asks_to_propose(stage: Stage) -> str:
    """Olivia asks to propose stopping the largest; the agent drafts it"""
    answer = await stage.ask("Propose to stop the largest one")
    found = [word.strip(".,;:()*`_") for word in answer.split() if word.strip(".,;:()*`_").startswith("P-")]
    need(found, f"no proposal is named: {answer}")
    stage.proposal = found[0]
    return f"{stage.proposal}: {first_line(answer)}"


async def worker_seals(stage: Stage) -> str:
    """The worker seals it; a card waits in #finops-approvals"""
    text = await stage.card(lambda shown: "waiting for approval" in shown.lower(), "no card that waits for approval")
    return first_line(text)


async def requester_is_refused(stage: Stage) -> str:
    """Olivia presses Approve herself, and is refused"""
    await stage.slack.click(OLIVIA, "approve", channel=CHANNEL, ts=stage.card_ts)
    return first_line(await stage.whisper(OLIVIA, "not counted"))


async def approver_approves(stage: Stage) -> str:
    """Arjun approves"""
    pressed = await stage.slack.click(ARJUN, "approve", channel=CHANNEL, ts=stage.card_ts)
    need(pressed.acknowledged, "the click was not acknowledged")
    stage.approval_delivery = pressed.delivery_id
    return "acknowledged after the press was stored"


async def worker_executes(stage: Stage) -> str:
    """The worker claims it, stops the instance and reads it back"""
    text = await stage.card(lambda shown: "done and checked" in shown.lower(), "the card never said that it is done")
    calls = await stage.mutations()
    need(len(calls) == 1, f"{len(calls)} changes at the provider instead of one: {calls}")
    need(any(name in json.dumps(calls[0]) for name in stage.facts["idle"]), f"another machine was changed: {calls[0]}")
    return first_line(text)


async def second_click_changes_nothing(stage: Stage) -> str:
    """A second click, and the same signed request replayed, change nothing more"""
    try:
        await stage.slack.click(ARJUN, "approve", channel=CHANNEL, ts=stage.card_ts)
        second = "was taken and changed nothing"
    except DriverError:
        second = "finds no button"
    again = await stage.slack.replay(stage.approval_delivery)
    await asyncio.sleep(1.0)
    calls = await stage.mutations()
    need(len(calls) == 1, f"{len(calls)} changes at the provider instead of one")
    need(not buttons_of(await stage.slack.messages(CHANNEL), stage), "the card still offers a decision")
    return f"the second click {second}; the replay is answered {again.status}; still one change at the provider"


def buttons_of(messages: list[dict[str, Any]], stage: Stage) -> list[str]:
    """The decisions that the proposal's card still offers."""
    card = next(message for message in messages if message["ts"] == stage.card_ts)
    return [name for name in buttons(card) if name in ("approve", "reject")]


async def conversation_tells(stage: Stage) -> str:
    """Olivia's conversation tells the outcome"""
    message = await stage.slack.until_message(
        "@app",
        lambda m: stage.proposal in shown_text(m) and "done and checked" in shown_text(m).lower(),
        user=OLIVIA,
        thread_ts=stage.thread,
        seconds=ANSWER_SECONDS,
        hint="the conversation was not told",
    )
    return first_line(shown_text(message))


async def auditor_reads(stage: Stage) -> str:
    """Edith opens the log in a browser"""
    page = await stage.http.get(stage.world.audit)
    need(page.status_code == 200, f"the log answered {page.status_code}")
    answer = await stage.http.get(f"{stage.world.serve}/audit", params={"proposal": stage.proposal})
    wanted = ("proposal.drafted", "proposal.sealed", "vote.refused", "vote.approved", "execution.verified")
    missing = [event for event in wanted if event not in answer.text]
    need(not missing, f"the log does not show {', '.join(missing)}")
    return "from drafted to verified, and the refused vote"


async def auditor_verifies(stage: Stage) -> str:
    """Edith verifies it, in the browser and on the command line"""
    page = await stage.http.get(f"{stage.world.serve}/audit/verify")
    need("The log verifies" in page.text, "the page does not say that the log verifies")
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "app", "audit", "verify", "--json"],
        env={**base_environment(), "SPENDGATE_HOME": str(stage.world.home.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    result = json.loads(done.stdout or "{}")
    need(done.returncode == 0 and result.get("ok"), f"`spendgate audit verify` said {done.stdout or done.stderr}")
    return f"{result['entries']} entries, none altered"


async def auditor_compares(stage: Stage) -> str:
    """Edith holds AWS's own record of changes against the approved proposals"""
    answer = await stage.http.get(f"{stage.world.aws}/spendgate-sandbox/trail")
    file = stage.world.home.folder / "cloudtrail.json"
    file.write_bytes(answer.content)
    roles = {record["userIdentity"]["arn"] for record in answer.json()["Records"]}
    command = [sys.executable, "-m", "app", "audit", "population", str(file), "--as", "edith", "--json"]
    # Up to now: on loopback the record is there at once.
    command += ["--to", "9999-01-01", *(word for role in sorted(roles) for word in ("--role", role))]
    done = await asyncio.to_thread(
        subprocess.run,
        command,
        env={**base_environment(), "SPENDGATE_HOME": str(stage.world.home.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    result = json.loads(done.stdout or "{}")
    need(done.returncode == 0 and result.get("ok"), f"`spendgate audit population` said {done.stdout or done.stderr}")
    changes = [change["proposal"] for change in result["population"]]
    need(changes == [stage.proposal], f"the population is {changes}, not {stage.proposal} alone")
    return f"{len(changes)} change at AWS, of {changes[0]}, and none besides"


STEPS: tuple[Callable[[Stage], Awaitable[str]], ...] = (
    asks_what_ai_cost,
    asks_why_it_jumped,
    asks_what_is_idle,
    asks_to_propose,
    worker_seals,
    requester_is_refused,
    approver_approves,
    worker_executes,
    second_click_changes_nothing,
    conversation_tells,
    auditor_reads,
    auditor_verifies,
    auditor_compares,
)


def tell(world: World, *, as_json: bool) -> int:
    """Plays all steps; returns the exit code."""
    return asyncio.run(_play(world, as_json=as_json))


async def _play(world: World, *, as_json: bool) -> int:
    begun = time.monotonic()
    async with SlackDriver(world.page) as slack, httpx.AsyncClient(follow_redirects=True, trust_env=False) as http:
        stage = Stage(world, slack, http)
        for number, step in enumerate(STEPS, start=1):
            name = (step.__doc__ or step.__name__).strip()
            at = time.monotonic()
            try:
                saw, ok = await step(stage), True
            except (StepFailed, TimeoutError, DriverError, httpx.HTTPError) as error:
                saw, ok = str(error) or type(error).__name__, False
            _say(number, name, saw, ok=ok, seconds=time.monotonic() - at, as_json=as_json)
            if not ok:
                sys.stderr.write(f"The story stopped at step {number}. Logs: {world.home.folder.parent / 'logs'}\n")
                return Exit.ERROR
    if not as_json:
        total = time.monotonic() - begun
        sys.stdout.write(
            f"\nAll {len(STEPS)} steps happened: set up in {world.seconds:.1f} s, told in {total:.1f} s.\n"
        )
    return Exit.OK


def _say(number: int, name: str, saw: str, *, ok: bool, seconds: float, as_json: bool) -> None:
    if as_json:
        line = {"step": number, "what": name, "ok": ok, "saw": saw, "seconds": round(seconds, 2)}
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(f"{'ok  ' if ok else 'FAIL'} {number:2}  {name}\n          {saw}\n")
    sys.stdout.flush()
