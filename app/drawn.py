"""Where each proposal's card stands in Slack, and which version of it is drawn there."""

from datetime import datetime

from sqlalchemy import Column
from sqlmodel import Field, SQLModel

from audit.stored import UtcTime


class CardMessage(SQLModel, table=True):
    """One card; due to be drawn again while its proposal has a newer version."""

    __tablename__ = "card_message"
    proposal: str = Field(primary_key=True)
    channel: str
    ts: str
    drawn_version: int
    hinted: bool = False
    """whether what is drawn says that it waits for a process that is not there"""
    drawn_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    """the moment as of which its rows were read"""
    told: int = 0
    """the last entry of the log that its thread tells"""
