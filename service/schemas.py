"""What goes in and out over HTTP, so that /openapi.json says it exactly. The forms themselves are made in ``forms``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from corpus.types import Comparator, Kind, TagSource

MAX_ROWS = 256
MAX_TEXT = 20_000
# A paragraph takes a few milliseconds to tag and a few hundred to explain.
MAX_EXPLAINED = 16

Identifier = Annotated[
    str, Field(max_length=500, description="Any name of the caller's; it comes back.", examples=["1"])
]
Text = Annotated[str, Field(max_length=MAX_TEXT)]
Probability = Annotated[float, Field(ge=0, le=1)]


class Answer(BaseModel):
    """A response. A field that a form has and its schema lacks is a fault, not something to leave out in silence."""

    model_config = ConfigDict(extra="forbid")


class Row(BaseModel):
    """A paragraph to look at."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"id": "1", "text": "Lắp điện mặt trời trên mái trụ sở, 12 MW trước năm 2027."}]
        }
    )
    id: Identifier
    text: Text
    heading_path: list[Annotated[str, Field(max_length=1000)]] = Field(
        default_factory=list, max_length=20, description="Headings above it, outermost first."
    )


class Rows(BaseModel):
    """Paragraphs to look at."""

    paragraphs: list[Row] = Field(min_length=1, max_length=MAX_ROWS)


class RowsToTag(Rows):
    """Paragraphs to tag, if wanted with what carried each tag."""

    explain: bool = Field(
        default=False, description=f"Say why each assigned tag is; for at most {MAX_EXPLAINED} paragraphs."
    )


class Pair(BaseModel):
    """Two clauses to compare."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"id": "1", "a": "85% siêu thị dùng túi giấy", "b": "100% siêu thị dùng túi giấy"}]
        }
    )
    id: Identifier
    a: Text
    b: Text


class Pairs(BaseModel):
    """Pairs of clauses to compare."""

    pairs: list[Pair] = Field(min_length=1, max_length=MAX_ROWS)


class Tag(Answer):
    """One task group's probability for a paragraph and whether it is assigned."""

    task_group: str
    probability: Probability
    assigned: bool
    unsure: bool = Field(description="Whether the probability is so near the threshold that a person should look.")


class StoredTag(Tag):
    """A tag in the store, with who set it."""

    source: TagSource
    model_id: str


class CarryingClause(Answer):
    """The clause that carried a tag, and the probability that it alone gives the paragraph."""

    span: tuple[int, int]
    text: str
    probability: Probability


class CarryingWord(Answer):
    """A word that carried a tag; ``weight`` is how much the probability falls without it."""

    text: str
    spans: list[tuple[int, int]]
    weight: float


class Example(Answer):
    """A labelled paragraph like the clause."""

    id: str
    text: str
    task_groups: list[str]
    similarity: float


class Explanation(Answer):
    """Why a paragraph has a tag; spans are offsets into its text."""

    task_group: str
    probability: Probability
    assigned: bool
    clause: CarryingClause
    words: list[CarryingWord]
    examples: list[Example]


class TaggedParagraph(Answer):
    """The tags of one paragraph, all task groups; ``explanations`` of those assigned only where they were asked for."""

    id: str
    tags: list[Tag]
    explanations: list[Explanation] | None = None


class Tagged(Answer):
    """The tags of all paragraphs sent, in their order."""

    paragraphs: list[TaggedParagraph]
    model_id: str


class Target(Answer):
    """A figure a paragraph commits to; ``values`` has two numbers for a range, ``span`` is its place in the text."""

    indicator: str
    comparator: Comparator
    values: list[float] = Field(min_length=1, max_length=2)
    unit: str
    deadline: str | None
    scope: str | None
    span: tuple[int, int]


class MeasuredParagraph(Answer):
    """The targets of one paragraph."""

    id: str
    targets: list[Target]


class Measured(Answer):
    """The targets of all paragraphs sent, in their order."""

    paragraphs: list[MeasuredParagraph]


class Match(Answer):
    """How similar two clauses are and whether they state the same obligation."""

    id: str
    similarity: Probability
    same_clause: bool
    probability: float = Field(ge=0, le=1, description="That of the same obligation.")


class Matched(Answer):
    """The matches of all pairs sent, in their order."""

    pairs: list[Match]
    model_id: str


class Paragraph(Answer):
    """A stored paragraph; ``task_groups`` are those assigned."""

    paragraph_id: str
    document_id: str
    province: str | None
    province_today: str | None
    year: int | None
    number: str | None
    kind: Kind
    heading_path: list[str]
    page: int | None
    agencies: list[str]
    task_groups: list[str]
    text: str


class ParagraphInFull(Paragraph):
    """A stored paragraph with all its tags and targets."""

    tags: list[StoredTag]
    targets: list[Target]


class Reason(Answer):
    """Why a paragraph was found: its rank and score in each leg, and how many words of the query are in it."""

    ranks: dict[str, int]
    scores: dict[str, float]
    matched_words: int


class Hit(Paragraph):
    """A paragraph found; ``marks`` are the spans of matched words in ``snippet``."""

    score: float = Field(description="The probability that it answers the query.")
    snippet: str
    marks: list[tuple[int, int]]
    reason: Reason


class Found(Answer):
    """Hits, best first, and how the query was read."""

    query: str
    restored: str | None = Field(description="The query with the diacritics it was typed without.")
    corrected: str | None = Field(description="The query with its slips put right, where any were.")
    translated: str | None = Field(description="The Vietnamese of an English query.")
    province_named: str | None
    year_named: int | None
    hits: list[Hit]
    facets: dict[str, dict[str, int]] = Field(
        description="How many paragraphs of the ranking have which value, by field; the hits are a page of it. The ranking "
        "holds the first hundred that are found by words and the first hundred by meaning, more on pages far down, and of "
        "these what is likely enough: the counts are no totals of what is stored."
    )
    next_cursor: str | None = Field(description="To be sent as `cursor` for the next page; null on the last one.")
    took_ms: float
    model_id: str


class DocumentFacts(Answer):
    """What a document says of itself."""

    document_id: str
    source: str
    number: str | None
    type: str | None
    title: str | None
    province: str | None
    province_today: str | None
    issuing_body: str | None
    signer: str | None
    date_issued: str | None
    year: int | None
    period: tuple[int, int] | None
    based_on: list[str]
    notes: list[str]
    conflicts: list[str]


class Document(DocumentFacts):
    """A document with its number of paragraphs."""

    paragraphs: int


class DocumentInFull(DocumentFacts):
    """A document with its paragraphs, in order."""

    paragraphs: list[Paragraph]


class Documents(Answer):
    """The documents in the store."""

    documents: list[Document]
    next_cursor: str | None = Field(description="Leads on where there are more.")


class Side(Answer):
    """One clause of a comparison and where it stands; ``national`` as of a pair, for this clause by itself."""

    paragraph_id: str
    document_id: str
    province: str | None
    heading_path: list[str]
    task_groups: list[str]
    text: str
    national: str | None


class Difference(Answer):
    """What two aligned clauses put differently; null where a side does not say."""

    kind: Literal["value", "deadline", "agency", "scope"]
    a: str | None
    b: str | None


class Change(Answer):
    """Where the words differ: start and end offsets into each side's text; null where a side has no words there."""

    a: tuple[int, int] | None
    b: tuple[int, int] | None


class AlignedPair(Answer):
    """Two clauses that say the same; ``national`` names the clause of Decision 889 that both repeat nearly word for word."""

    a: Side
    b: Side
    similarity: Probability
    shared: list[str]
    differs: list[Difference]
    changes: list[Change]
    also_a: list[Side]
    also_b: list[Side]
    national: str | None


class Comparison(Answer):
    """Two provinces or plans side by side, each a province's name or a plan's id; pairs most similar first.

    ``documents_a`` and ``documents_b`` are the plans that were compared, none of them in both.
    """

    a: str
    b: str
    documents_a: list[str]
    documents_b: list[str]
    aligned: list[AlignedPair]
    only_a: list[Side]
    only_b: list[Side]


class Report(Answer):
    """What became of a file."""

    file: str
    outcome: Literal["added", "updated", "unchanged", "duplicate"]
    document_id: str | None
    paragraphs: int
    skipped: int
    reason: str | None
    notes: list[str]


class Judgement(BaseModel):
    """Which task groups a paragraph has by the word of a person; an empty list says none."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"paragraph_id": "cao-bang/1043-kh-ubnd-2021#II.4.2", "task_groups": ["awareness"], "by": "Nguyễn An"}
            ]
        }
    )
    paragraph_id: Identifier
    task_groups: list[Annotated[str, Field(max_length=100)]] = Field(max_length=100)
    by: str = Field(min_length=1, max_length=200, description="Who says so.")
    note: str = Field(default="", max_length=2000, description="Why.")


class Correction(Answer):
    """A judgement recorded."""

    number: int
    paragraph_id: str
    document_id: str
    text: str
    before: list[str]
    after: list[str]
    by: str
    note: str
    made_at: str


class Corrections(Answer):
    """Corrections, oldest first."""

    corrections: list[Correction]
    next_cursor: str | None = Field(description="Leads on where there are more.")


class QueuedParagraph(Paragraph):
    """A paragraph worth a person's look: how much, and the task groups in doubt."""

    score: float
    unsure: list[str]


class Queue(Answer):
    """Paragraphs to look at, most useful first."""

    paragraphs: list[QueuedParagraph]


class Urls(BaseModel):
    """Addresses of files to import."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"urls": ["https://example.org/plan.pdf"]}]})
    urls: list[Annotated[str, Field(min_length=1, max_length=2000)]] = Field(min_length=1, max_length=1000)


JobState = Literal["waiting", "running", "done", "failed", "cancelled"]


class Job(Answer):
    """An import and its progress: how many of its files are finished, and of these how many could not be used."""

    job_id: str
    state: JobState
    by: str
    created_at: str
    files: int
    finished: int
    failed: int


class Jobs(Answer):
    """Imports, newest first; ``next_cursor`` leads on."""

    jobs: list[Job]
    next_cursor: str | None


class ImportReport(Report):
    """What became of a file of an import."""

    outcome: Literal["added", "updated", "unchanged", "duplicate", "failed"]  # type: ignore[assignment]


class JobItem(Answer):
    """One file of an import, or the address it is fetched from, and what became of the documents in it."""

    ordinal: int
    name: str
    url: str | None
    state: JobState
    reports: list[ImportReport]
    finished_at: str | None


class JobInFull(Job):
    """An import with its files, in order; ``next_cursor`` leads on."""

    items: list[JobItem]
    next_cursor: str | None


class SearchWanted(BaseModel):
    """What somebody wants to hear of: at least one of query, task group and province."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "Điện mặt trời", "query": "điện mặt trời mái nhà", "province": "Cao Bằng"}]
        }
    )
    name: str = Field(min_length=1, max_length=200)
    query: str = Field(default="", max_length=2000, description="By meaning.")
    task_group: str | None = Field(default=None, max_length=100)
    province: str | None = Field(default=None, max_length=200)
    webhook: str | None = Field(default=None, max_length=2000, description="Where new matches are posted to, signed.")


class Search(Answer):
    """A saved search; its feed is /v1/feed.atom?search={search_id}."""

    search_id: str
    name: str
    query: str
    task_group: str | None
    province: str | None
    webhook: str | None
    by: str
    created_at: str


class SearchMade(Search):
    """A search just saved, with the secret that its webhook is signed with."""

    secret: str | None


class Searches(Answer):
    """Saved searches, oldest first; ``next_cursor`` leads on."""

    searches: list[Search]
    next_cursor: str | None


class AuditEntry(Answer):
    """A write: ``status`` is that of its answer, 0 for a command, null where it was interrupted."""

    number: int
    at: str
    actor: str
    action: str
    target: str
    request_id: str
    status: int | None


class Audit(Answer):
    """Writes, newest first; ``next_cursor`` leads on."""

    entries: list[AuditEntry]
    next_cursor: str | None


class Health(Answer):
    """The state of the service."""

    status: Literal["live", "ready"]


class Fault(Answer):
    """One thing that did not validate."""

    where: str
    what: str


class Problem(Answer):
    """RFC 9457 problem details; ``errors`` only where something did not validate."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[Fault] = Field(default_factory=list)
