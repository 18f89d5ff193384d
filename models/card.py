"""Write the card of a trained tagger from the run that made it (Mitchell et al. 2019, model cards)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def tagger_card(manifest: Mapping[str, Any], held_out: Mapping[str, Any], folds: int) -> str:
    """Return the card in Markdown; ``held_out`` is the report of ``models.evaluate`` over unseen documents."""
    low, high = held_out["macro_f1_interval"]
    rows = [
        f"| {key} | {f['precision']:.3f} | {f['recall']:.3f} | {f['f1']:.3f} | {f['average_precision']:.3f} | "
        f"{f['calibration_error']:.3f} | {f['support']} | {manifest['thresholds'][key]:.3f} |"
        for key, f in held_out["task_groups"].items()
    ]
    none = held_out["none"]
    return f"""# Tagger {manifest["id"]}

Assigns task groups to paragraphs of Vietnamese provincial plans: several, one or none.
Written by `kehoach train`; do not edit.

- **Reads**: one paragraph in Vietnamese; its clauses are scored one by one and gathered.
- **Says**: a probability for each of {", ".join(manifest["groups"])}, and whether it reaches that group's threshold.
- **Made of**: logistic regressions over segmented words, letter sequences and clause vectors with cue words, one a view and
  group; over these a logistic regression a group. scikit-learn {manifest["scikit-learn"]}, embedder {manifest["embedder"]}.
- **Trained on**: {manifest["data"]["paragraphs"]} paragraphs of {manifest["data"]["documents"]} documents (SHA-256 of the data
  {manifest["data"]["sha256"][:16]}…), written for the project by its labelling guideline: see `corpus/labelled/DATASHEET.md`.

## Held-out figures

Grouped {folds}-fold cross-validation by document: no paragraph is scored by a model that saw its document.
Thresholds are chosen on the same held-out probabilities, so the figures are slightly kind to them.

Macro F1 **{held_out["macro_f1"]:.3f}** (95 % interval over documents {low:.3f}-{high:.3f}), calibration error
{held_out["calibration_error"]:.3f}. Of {none["support"]} paragraphs without a task group {none["wrongly_tagged"]} were given one;
{none["wrongly_untagged"]} with one were given none.

| task group | precision | recall | F1 | average precision | calibration error | paragraphs | threshold |
|---|---|---|---|---|---|---|---|
{chr(10).join(rows)}

## Limits

Trained on prose written for the project, not on published plans; figures on real paragraphs are in `results/tagging.md`.
Labels follow one guideline: another reading of "green distribution" needs other labels. A tag is a proposal to a reader,
not a finding about a province.
"""


def matcher_card(manifest: Mapping[str, Any]) -> str:
    """Return the card of a trained matcher in Markdown."""
    data = manifest["data"]
    rows = [
        f"| {name} | {f['pairs']} | {f['same']} | {f['average_precision']:.3f} | {f['f1']:.3f} | {f['weighted_kappa']:.3f} |"
        for name, f in manifest["held_out"].items()
    ]
    return f"""# Matcher {manifest["id"]}

Tells how similar two clauses of plans are (0 different, 0.5 same theme, 1 same obligation) and whether they state the same
obligation, figures, deadlines and place names aside. Written by `kehoach train --matcher`; do not edit.

- **Made of**: two logistic regressions over the cosine of meaning vectors and the classes of subject, action and object that
  two clauses share or dispute (`models/clause_classes.toml`). scikit-learn {manifest["scikit-learn"]}, embedder
  {manifest["embedder"]}.
- **Trained on**: {data["clauses"]} clauses by obligation family and {data["judged_pairs"]} judged pairs, written for the project.

## Held-out figures

Grouped cross-validation: no pair is scored by a model that saw its theme or group. The three judgements count equally. A
pair is the same clause from a similarity of {manifest["threshold"]:.3f}, aligned between two plans from {manifest["alignment_threshold"]:.3f}.

| data | pairs | same obligation | average precision | F1 | weighted kappa |
|---|---|---|---|---|---|
{chr(10).join(rows)}

The judged pairs are adversarial: their overlap of words says almost nothing about their judgement.

## Limits

Clauses that say the same in quite other words are often missed; equal words with another subject sometimes pass.
"""
