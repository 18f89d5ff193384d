"""What families, gaps, coverage and indicators look like over HTTP; the forms are made in ``overview_forms``."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from corpus.types import Comparator
from service.schemas import Answer, Probability


class Statement(Answer):
    """A part of a paragraph that obliges or commits to one thing."""

    province: str | None
    province_today: str | None
    document_id: str
    paragraph_id: str
    year: int | None
    text: str


class Member(Statement):
    """A statement of a family and the province that it counts for."""

    counts_for: str


class StrongestTarget(Statement):
    """The most ambitious target of a family."""

    comparator: Comparator
    values: list[float]
    unit: str
    deadline: str | None


class Family(Answer):
    """An obligation that several provinces share. Its id stays the same while its members mostly do."""

    family_id: str
    title: str
    cohesion: Probability = Field(description="Average similarity of its pairs.")
    provinces: dict[str, int] = Field(description="How many statements each province has.")
    earliest: Statement
    latest: Statement
    strongest: StrongestTarget | None
    members: list[Member]


class Finished(Answer):
    """What is made behind requests: ``as_of`` says when, ``is_current`` whether the store is still as it was then."""

    as_of: datetime
    is_current: bool


class Families(Finished):
    """Families, those of most provinces first."""

    families: list[Family]
    next_cursor: str | None = Field(description="Leads on where there are more.")


class Gap(Answer):
    """An obligation that ``having`` of ``of`` provinces have; ``near`` are the province's own statements that come near it."""

    family_id: str
    title: str
    having: list[str]
    of: int
    strongest: StrongestTarget | None
    example: Statement
    near: list[Statement]


class Gaps(Finished):
    """What others have and a province lacks; ``region`` is null where all provinces were looked at."""

    province: str
    region: str | None
    gaps: list[Gap]
    next_cursor: str | None = Field(description="Leads on where there are more.")


class YearCoverage(Answer):
    """The plans of one year."""

    year: int
    paragraphs: int
    task_groups: dict[str, int]


class ProvinceCoverage(Answer):
    """How many paragraphs a province has, in all, by task group, by kind and by year of issue."""

    province: str | None
    published_as: list[str] = Field(description="The provinces that published what is counted.")
    documents: int
    paragraphs: int
    task_groups: dict[str, int]
    shares: dict[str, Probability]
    kinds: dict[str, int]
    years: list[YearCoverage]


class Coverage(Finished):
    """All provinces of the store."""

    provinces: list[ProvinceCoverage]


class NationalTarget(Answer):
    """What a national text asks for by a year; two values are a range."""

    year: int
    values: list[float]


class Aim(Answer):
    """A target of a province on the scale of its indicator."""

    rank: int | None = Field(description="1 is the most ambitious; null for the other targets of a province.")
    province: str | None
    published_as: str | None
    year: int | None = Field(description="Of the plan.")
    comparator: Comparator
    values: list[float]
    unit: str
    due: int | None
    lead: float | None = Field(description="How far it is ahead of the national value for the year it is due.")
    written: str
    document_id: str
    paragraph_id: str


class Step(Answer):
    """A target of one of a province's plans; ``change`` is to the one before."""

    document_id: str
    year: int | None
    due: int | None
    values: list[float]
    change: float | None


class History(Answer):
    """The targets of a province with several plans."""

    province: str
    steps: list[Step]


class Indicator(Answer):
    """What several provinces set targets for, on one scale."""

    indicator: str
    name_vi: str
    name_en: str
    unit: str
    better: Literal["more", "less"]
    source: str | None = Field(description="The national text that sets the national targets.")
    national: list[NationalTarget]
    aims: list[Aim]
    history: list[History]


class Indicators(Answer):
    """The indicators that have targets in the store."""

    indicators: list[Indicator]
