"""Which province a plan counts for: the one that published it, or the one that province is part of today."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.provinces import province_named
from corpus.stored import StoredDocument, StoredParagraph


@dataclass(frozen=True)
class View:
    """One of the two ways to count; in each, every plan counts for exactly one province, or for none (national texts)."""

    as_published: bool = False

    def place(self, item: StoredDocument | StoredParagraph) -> str | None:
        """Return the province that a document or paragraph counts for."""
        return item.province if self.as_published else item.province_today or item.province

    def named(self, name: str) -> str | None:
        """Return the province of this view that ``name`` means, or None for an unknown name."""
        province = province_named(name)
        if province is None:
            return None
        return province.name if self.as_published else province.today

    def region(self, place: str) -> str | None:
        """Return the region of a province of this view."""
        province = province_named(place)
        return province.region if province else None
