"""Write DATASHEET.md from the labelled data (Gebru et al. 2021): ``python -m corpus.labelled.datasheet``.

Only what cannot be counted (where the rows come from, what each file is for, what is known to be wrong) is said here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence, Set
from itertools import chain

from corpus import labelled
from corpus.labelled import LabelledParagraph
from corpus.taxonomy import read_taxonomy
from nlp.fold import fold, words

FILE = "DATASHEET.md"
ALIKE = 0.5
LEAST_WORDS = 8
_LENGTHS = (8, 20, 40, 80, 160)
_PARAGRAPHS = "paragraphs"
_ABOUT = {
    "paragraphs-plans.jsonl": ("objectives, tasks, headings, preambles of provincial plans", "tagger"),
    "paragraphs-law.jsonl": ("laws, decrees, strategies, definitions, duties", "tagger"),
    "paragraphs-news.jsonl": ("news, reports, portal furniture", "tagger"),
    "paragraphs-assessments.jsonl": ("assessments, tables, assignments, contrast rows for each rule", "tagger"),
    "paragraphs-assignments.jsonl": ("assignments to departments, rows of tables, objectives", "tagger"),
    "paragraphs-reports.jsonl": ("yearly reports, long tasks with several topics", "tagger"),
    "paragraphs-contrasts.jsonl": ("law and plans on other subjects, with contrasts", "tagger"),
    "paragraphs-provisions.jsonl": (
        "national law, strategies, ministries' reports on many subjects, with contrasts",
        "tagger",
    ),
    "paragraphs-press.jsonl": ("news, features, other programmes of provinces, with contrasts", "tagger"),
    "paragraphs-measures.jsonl": ("provincial plans in the programme's own terms, with near misses", "tagger"),
    "paragraphs-statutes.jsonl": ("national law by two more writers, ministries' reports", "tagger"),
    "paragraphs-dailies.jsonl": ("national and provincial news by two more writers", "tagger"),
    "paragraphs-portals.jsonl": ("plans and decisions as newspapers and portals retell them", "tagger"),
    "paragraphs-programmes.jsonl": (
        "plans: every phrase of the guideline, also as one clause of a long paragraph",
        "tagger",
    ),
    "paragraphs-trade.jsonl": (
        "law, strategies, trade news: supply chains, traceability, eco-labels, importers' demands",
        "tagger",
    ),
    "paragraphs-energy.jsonl": ("law, decisions, news, statistics: a renewable source in passing or late", "tagger"),
    "paragraphs-waste.jsonl": ("law, taxes, strategies, news: waste or circular economy in passing or late", "tagger"),
    "paragraphs-outreach.jsonl": ("training, persuasion, information among other duties, and look-alikes", "tagger"),
    "paragraphs-bulletins.jsonl": ("news and reports about plans, with minimal changes", "tagger"),
    "paragraphs-gazettes.jsonl": (
        "law, news, pages after the manner of real paragraphs, on other matters; all frozen",
        "evaluation",
    ),
    "phrases.jsonl": ("paragraphs in the stock phrases of plans, with contrasts; in no split", "tagger, training only"),
    "candidates.jsonl": ("labels of real paragraphs of law and news, ids only", "evaluation"),
    "seeds.jsonl": ("labels of real paragraphs of plans and news, ids only", "evaluation"),
    "second.jsonl": ("a second labelling, ids and labels", "agreement"),
    "clauses.jsonl": ("clauses by obligation family and theme", "matcher"),
    "questions.jsonl": ("queries of several kinds, each with a paragraph that answers it", "search"),
    "encyclopedia.jsonl": ("paragraphs on every subject with questions that each answers", "search"),
    "meanings.jsonl": (
        "questions on every subject; English and everyday queries with the official wording",
        "search",
    ),
    "pairs.jsonl": ("judged pairs of clauses (2, 1, 0) with the trap each sets", "matcher"),
    "test-pairs.jsonl": (
        "judged pairs of other documents, written before the matcher they test",
        "evaluation of the matcher",
    ),
    "test-pairs-blind.jsonl": (
        "judged pairs by a writer who saw neither matcher nor its data, two thirds of those not the same being traps",
        "evaluation of the matcher",
    ),
    "test-pairs-fresh.jsonl": (
        "judged pairs like the blind ones by a third writer, made after choices had been made on those",
        "evaluation of the matcher",
    ),
    "test-pairs-unseen.jsonl": (
        "judged pairs by a fourth writer, made after the features of the matcher had been chosen",
        "evaluation of the matcher",
    ),
    "test-pairs-second.jsonl": (
        "judgements of some pairs again: by their writers, those of the fresh ones by another judge",
        "agreement",
    ),
    "targets.jsonl": ("paragraphs with their targets", "target extraction"),
    "search/corpus.jsonl": ("paragraphs of the sample plans, in BEIR layout; see `search/README.md`", "search"),
    "search/queries.jsonl": ("queries with graded judgements, in two halves", "ranking, search"),
}


def datasheet() -> str:
    """Return the datasheet in Markdown. Raises LookupError for a data file that nothing is said about."""
    rows = labelled.paragraphs()
    frozen = {row.document for row in labelled.frozen()}
    return f"""# Labelled data

Written by `python -m corpus.labelled.datasheet`; do not edit.

Everything here was written for the project, by language models directed and checked by its developers, from the labelling
guideline and public facts; no sentence is taken from a published document. Licence: that of the project. Real texts are
neither here nor derivable: `seeds.jsonl` and `candidates.jsonl` hold ids and labels only.

{_table(["file", "rows", "what", "used for"], _files())}

`campaigns.toml` has sentences about campaigns and subjects, from which `corpus/composed.py` composes rows that only training sees.

**Form of a paragraph**: `id`, `doc` (an imagined document; splits are by it), `genre`, `heading_path`, `text`, `labels`, `origin`.

## Paragraphs by split and label

Frozen documents (`frozen.txt`) are never learnt from; they compare a candidate tagger with the current one.

{_by("split", rows, lambda row: "frozen" if row.document in frozen else "training")}

{_table(["labels of one paragraph", *map(str, range(5))], [["paragraphs", *_label_counts(rows)]])}

## By genre

{_by("genre", rows, lambda row: row.genre or "(none)")}

## By length

Syllables and numbers of a paragraph; the middle one has {sorted(len(words(row.text)) for row in rows)[len(rows) // 2]}.

{_by("length", rows, _length, [*map(_length_name, range(len(_LENGTHS) + 1))])}

## Agreement

{_agreement()}

## Near-duplicates

{_duplicates(rows)}

## Known limits

Rows are shorter than real ones, save those of the reports. About one row in twelve carries invented scanning noise; no row is marked for it. Those
in which it made a word that is no syllable are left out where words are learnt (`texts()`).
"""


def cohen_kappa(first: Sequence[bool], second: Sequence[bool]) -> float:
    """Return Cohen's kappa (1960) of two labellings with one label; 1 where both never or always give it."""
    count = len(first)
    agreed = sum(a == b for a, b in zip(first, second, strict=True)) / count
    both = sum(first) / count * sum(second) / count
    by_chance = both + (1 - sum(first) / count) * (1 - sum(second) / count)
    return 1.0 if by_chance == 1 else (agreed - by_chance) / (1 - by_chance)


def near_duplicates(rows: Sequence[LabelledParagraph], alike: float = ALIKE) -> list[tuple[str, str]]:
    """Return the ids of pairs of different documents whose sets of folded syllable trigrams have a Jaccard of ``alike``.

    Exact: every pair that shares a trigram is compared. Paragraphs under LEAST_WORDS words, mostly headings, are left out.
    """
    long = [row for row in rows if len(row.text.split()) >= LEAST_WORDS]
    sets = [_trigrams(row.text) for row in long]
    holders: dict[str, list[int]] = {}
    found = []
    for number, own in enumerate(sets):
        shared = Counter(chain.from_iterable(holders.get(trigram, ()) for trigram in own))
        for other, count in shared.items():
            if count >= alike * (len(own) + len(sets[other]) - count) and long[number].document != long[other].document:
                found.append((long[other].id, long[number].id))
        for trigram in own:
            holders.setdefault(trigram, []).append(number)
    return found


def _trigrams(text: str) -> Set[str]:
    syllables = words(fold(text))
    return {" ".join(syllables[start : start + 3]) for start in range(max(1, len(syllables) - 2))}


def _files() -> list[list[str]]:
    folder = labelled.folder()
    counted = []
    for path in sorted(folder.rglob("*.jsonl")):
        name = path.relative_to(folder).as_posix()
        if name not in _ABOUT and not name.startswith(_PARAGRAPHS):
            raise LookupError(f"{name}: say in corpus/labelled/datasheet.py what it holds and what it is used for")
        lines = [json.loads(line) for line in path.read_bytes().splitlines() if line.strip()]
        what, use = _ABOUT.get(name, ("labelled paragraphs", "tagger"))
        if name == "clauses.jsonl":
            families, themes = ({line[field] for line in lines} for field in ("family", "theme"))
            what = f"clauses in {len(families)} obligation families of {len(themes)} themes"
        counted.append([f"`{name}`", f"{len(lines):,}", what, use])
    frozen = labelled.frozen()
    documents = {row.document for row in frozen}
    return [*counted, ["`frozen.txt`", str(len(documents)), f"documents ({len(frozen)} paragraphs)", "comparison"]]


def _by(
    what: str, rows: Sequence[LabelledParagraph], of: Callable[[LabelledParagraph], str], order: Sequence[str] = ()
) -> str:
    """Return a table of paragraphs, documents and labels by what ``of`` says of a row, in ``order`` or the largest first."""
    keys = [group.key for group in read_taxonomy()]
    parts: dict[str, list[LabelledParagraph]] = {}
    for row in rows:
        parts.setdefault(of(row), []).append(row)
    names = [name for name in order if name in parts] or sorted(parts, key=lambda name: (-len(parts[name]), name))
    lines = []
    for name, part in [*((name, parts[name]) for name in names), ("all", list(rows))]:
        labels = [sum(key in row.labels for row in part) for key in keys]
        counts = (len(part), len({row.document for row in part}), *labels, sum(not row.labels for row in part))
        lines.append([name, *(f"{count:,}" for count in counts)])
    return _table([what, "paragraphs", "documents", *keys, "no label"], lines)


def _label_counts(rows: Sequence[LabelledParagraph]) -> list[str]:
    counts = Counter(len(row.labels) for row in rows)
    return [f"{counts[number]:,}" for number in range(5)]


def _length(row: LabelledParagraph) -> str:
    return _length_name(sum(len(words(row.text)) >= bound for bound in _LENGTHS))


def _length_name(place: int) -> str:
    if place == len(_LENGTHS):
        return f"{_LENGTHS[-1]} and more"
    return f"{([0, *_LENGTHS])[place]} to {_LENGTHS[place] - 1}"


def _agreement() -> str:
    first, second = labelled.first_labels(), labelled.second_labels()
    files = sorted({name.partition("-")[0] for name in second})
    kappas = [
        (key, cohen_kappa([key in first[i] for i in second], [key in second[i] for i in second]))
        for key in (group.key for group in read_taxonomy())
    ]
    differ = sum(first[i] != labels for i, labels in second.items())
    return f"""{len(second)} paragraphs of the {", ".join(files)} were labelled a second time from the text and the guideline alone. {differ} of
them got other labels than the first time; the guideline settled these. Both annotators are language models of one family, so
this is the upper end of what two people would reach.

{_table(["label", "Cohen's kappa"], [[key, f"{kappa:.3f}"] for key, kappa in kappas])}"""


def _duplicates(rows: Sequence[LabelledParagraph]) -> str:
    count = len(near_duplicates(rows))
    return (
        f"{count} pairs of paragraphs of {LEAST_WORDS} words or more in different documents share at least half of their "
        f"syllable trigrams\n(Jaccard {ALIKE}, diacritics folded; every pair compared)."
    )


def _table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, ["---"] * len(heads), *lines))


if __name__ == "__main__":
    (labelled.folder() / FILE).write_text(datasheet(), encoding="utf-8")
