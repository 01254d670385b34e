"""What is too long to be shown in Slack, as a CSV file in the answer's thread: every row, amounts to the last digit."""

import csv
import io
import logging
import re
from hashlib import sha256
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine

from app.slack.answers import escape
from app.slack.deliver import Attachment, Letter, deliver
from app.slack.patience import HOPELESS, word
from app.turns import StoredAnswer
from audit.export import harmless
from tools.shown import shown

logger = logging.getLogger(__name__)
TITLE = 120
AMOUNT = re.compile(r"-?\d+(\.\d+)?")
NO_FILES = HOPELESS | {"missing_scope", "not_allowed_token_type", "file_uploads_disabled", "storage_limit_reached"}
"""Answers of Slack's after which no file will ever be taken there; that is said in its place."""


def as_csv(table: dict[str, Any]) -> bytes:
    """The table with a heading, in UTF-8 with a mark that spreadsheets look for; a text that a spreadsheet would
    compute gets an apostrophe before it, an amount is left as it is."""
    text = io.StringIO()
    writer = csv.writer(text)
    for row in (table["head"], *table["rows"]):
        writer.writerow([cell if AMOUNT.fullmatch(str(cell)) else harmless(str(cell)) for cell in row])
    return text.getvalue().encode("utf-8-sig", "replace")


async def attach_tables(
    engine: Engine, client: AsyncWebClient, answer: StoredAnswer, *, channel: str, thread_ts: str, by: str
) -> bool:
    """Puts each long table of a posted answer into its thread, once; False while somebody else is at one of them.

    Raises what `deliver` raises: then the answer stays due, and the next round finds what stands.
    """
    done = True
    for number, table in enumerate(answer.body.get("tables") or [], start=1):
        letter = _letter(answer.turn, number, table, channel, thread_ts)
        try:
            done = await deliver(engine, client, letter, by=by) is not None and done
        except SlackApiError as error:
            if word(error) not in NO_FILES:
                raise
            logger.warning("Slack takes no file with an answer (%s)", word(error))
            told = (
                f"The whole table of {len(table['rows']):,} rows could not be attached ({word(error)}). "
                "Whoever runs Spendgate finds out why with `spendgate slack doctor`."
            )
            instead = Letter(f"no {letter.key}", channel, told, thread_ts=thread_ts)
            done = await deliver(engine, client, instead, by=by) is not None and done
    return done


def _letter(turn: str, number: int, table: dict[str, Any], channel: str, thread_ts: str) -> Letter:
    title = shown(str(table["title"]), TITLE)
    said = f"All {len(table['rows']):,} rows of “{escape(title)}”, amounts to the last digit."
    key = f"table {turn} {number}"
    name = f"spendgate-{sha256(key.encode()).hexdigest()[:12]}.csv"
    attached = Attachment(name, title, as_csv(table))
    return Letter(key, channel, said, thread_ts=thread_ts, attached=attached)
