"""The words of the field as value types; see each for what its fields mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Kind = Literal["objective", "task", "assignment", "preamble", "news", "boilerplate"]
KINDS: tuple[Kind, ...] = ("objective", "task", "assignment", "preamble", "news", "boilerplate")
Comparator = Literal[">=", "<=", "=", "range"]
TagSource = Literal["model", "person"]
Place = Literal["table", "header", "title", "text", "number"]


@dataclass(frozen=True)
class Target:
    """A figure that a paragraph commits to.

    ``values`` holds one number, or two for a range; ``deadline`` is a year ("2025") or an ISO date; ``span`` is the
    (start, end) of the figure in the paragraph's text.
    """

    indicator: str
    comparator: Comparator
    values: tuple[float, ...]
    unit: str
    deadline: str | None = None
    scope: str | None = None
    span: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Tag:
    """One task group's probability for a paragraph, who said so, and whether it counts as assigned."""

    task_group: str
    probability: float
    assigned: bool
    source: TagSource = "model"
    model_id: str = ""


@dataclass(frozen=True)
class Paragraph:
    """The smallest unit with a permalink. ``start`` and ``end`` delimit it in the document's text.

    ``page`` counts from 1 and is None where the file has no pages; ``agencies`` are the bodies that an assignment names
    as the ones to act.
    """

    id: str
    ordinal: int
    text: str
    kind: Kind
    heading_path: tuple[str, ...] = ()
    is_heading: bool = False
    start: int = 0
    end: int = 0
    page: int | None = None
    agencies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Skipped:
    """A line left out of the paragraphs, with the reason and its 1-based number in the source."""

    text: str
    reason: str
    line: int


@dataclass(frozen=True)
class Evidence:
    """Where a field of the metadata was read and how far it is to be trusted.

    ``place`` is the kind of passage; ``start`` and ``end`` delimit it in the document's text, both 0 where the field was
    inferred. ``confidence`` is the share of right values that such a place gave on the documents in results/reading.md.
    """

    place: Place
    confidence: float
    start: int = 0
    end: int = 0


@dataclass(frozen=True)
class Metadata:
    """What a document says of itself; None or empty where it does not.

    ``evidence`` has an entry for each field found; ``conflicts`` says in words where two places of the document disagree
    (the first one is kept in the field). ``page_title`` is the headline of a web page above the document's own title.
    """

    number: str | None = None
    type: str | None = None
    title: str | None = None
    province: str | None = None
    province_today: str | None = None
    issuing_body: str | None = None
    signer: str | None = None
    date_issued: date | None = None
    based_on: tuple[str, ...] = ()
    period: tuple[int, int] | None = None
    page_title: str | None = None
    evidence: dict[str, Evidence] = field(default_factory=dict)
    conflicts: tuple[str, ...] = ()

    @property
    def year(self) -> int | None:
        """The year of issue, else the first year of the period."""
        if self.date_issued:
            return self.date_issued.year
        return self.period[0] if self.period else None


@dataclass(frozen=True)
class Document:
    """One published text, read and structured. ``sha256`` is that of the source bytes, ``source`` its name.

    ``text`` is the whole text as read, which spans refer to; ``notes`` tells what was noticed in reading, such as pages
    that could not be read.
    """

    id: str
    source: str
    sha256: str
    metadata: Metadata
    paragraphs: tuple[Paragraph, ...]
    skipped: tuple[Skipped, ...] = ()
    text: str = field(default="", repr=False)
    notes: tuple[str, ...] = ()
