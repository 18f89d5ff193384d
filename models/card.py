"""Write the card of a trained tagger from the run that made it (Mitchell et al. 2019, model cards)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def tagger_card(manifest: Mapping[str, Any], held_out: Mapping[str, Any], folds: int) -> str:
    """Return the card in Markdown; ``held_out`` is the report of ``models.evaluate`` over unseen documents."""
    none = held_out["none"]
    return f"""# Tagger {manifest["id"]}

Assigns task groups to paragraphs of Vietnamese provincial plans: several, one or none.
Written by `kehoach train`; do not edit.

- **Reads**: one paragraph in Vietnamese; its clauses are scored one by one and gathered.
- **Says**: a probability for each of {", ".join(manifest["groups"])}, and whether it reaches that group's threshold.
- **Made of**: logistic regressions over segmented words, letter sequences, and the paragraph's vector with cue words, one a view and
  group; over these a logistic regression a group. scikit-learn {manifest["scikit-learn"]}, embedder {manifest["embedder"]}.
- **Trained on**: {manifest["data"]["paragraphs"]} paragraphs of {manifest["data"]["documents"]} documents (SHA-256 of the data
  {manifest["data"]["sha256"][:16]}…), written for the project by its labelling guideline: see `corpus/labelled/DATASHEET.md`;
  {manifest["data"]["composed"]} composed rows about campaigns, in training only. Task adapter: {manifest["adapter"] or "none"}.

## Held-out figures

Grouped {folds}-fold cross-validation by document: no paragraph is scored by a model that saw its document.
Thresholds are chosen on the same held-out probabilities, so the figures are slightly kind to them.

Macro F1 **{_figure(held_out["macro_f1"])}** (95 % interval over documents {_range(held_out["macro_f1_interval"])}), calibration error
{_figure(held_out["calibration_error"])}. Of {none["support"]} paragraphs without a task group {none["wrongly_tagged"]} were given one;
{none["wrongly_untagged"]} with one were given none.

| task group | precision | recall | F1 | F1, 95 % | average precision | calibration error | paragraphs | threshold |
|---|---|---|---|---|---|---|---|---|
{_group_rows(held_out, manifest["thresholds"])}
{_genre_table(held_out)}
## Limits

Trained on prose written for the project, not on published plans; figures on real paragraphs are in `results/tagging.md`.
Labels follow one guideline: another reading of "green distribution" needs other labels. A tag is a proposal to a reader,
not a finding about a province.
"""


def _group_rows(held_out: Mapping[str, Any], thresholds: Mapping[str, float]) -> str:
    rows = []
    for key, figures in held_out["task_groups"].items():
        shown = [_figure(figures[name]) for name in ("precision", "recall", "f1")]
        shown += [_range(figures["intervals"]["f1"])]
        shown += [_figure(figures[name]) for name in ("average_precision", "calibration_error")]
        rows.append(f"| {key} | {' | '.join(shown)} | {figures['support']} | {thresholds[key]:.3f} |")
    return "\n".join(rows)


def _genre_table(held_out: Mapping[str, Any]) -> str:
    """Return F1 by genre as a section, "" where the rows have none."""
    if not held_out["genres"]:
        return ""
    keys = list(held_out["task_groups"])
    rows = []
    for genre, part in held_out["genres"].items():
        shown = [_figure(part["macro_f1"]), *(_figure(part["task_groups"][key]["f1"]) for key in keys)]
        none = part["none"]
        rows.append(
            f"| {genre or '(none)'} | {part['paragraphs']} | {' | '.join(shown)} | {none['wrongly_tagged']} of {none['support']} |"
        )
    return f"""
F1 by genre, and how many of the paragraphs without a task group were given one:

| genre | paragraphs | macro | {" | ".join(keys)} | none, tagged |
|{"---|" * (len(keys) + 4)}
{chr(10).join(rows)}
"""


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _range(interval: Sequence[float] | None) -> str:
    return "–" if interval is None else f"{interval[0]:.3f}-{interval[1]:.3f}"


def matcher_card(manifest: Mapping[str, Any]) -> str:
    """Return the card of a trained matcher in Markdown."""
    data = manifest["data"]
    rows = [
        f"| {name} | {f['pairs']} | {f['same']} | {f['average_precision']:.3f} | {f['f1']:.3f} | {f['weighted_kappa']:.3f} |"
        for name, f in manifest["held_out"].items()
    ]
    return f"""# Matcher {manifest["id"]}

Tells how similar two clauses of plans are (0 different, 1/3 same theme, 1 same obligation) and whether they state the same
obligation, figures, deadlines and place names aside. Written by `kehoach train --matcher`; do not edit.

- **Made of**: the cosine of meaning vectors by an encoder whose upper layers were tuned on the same data (low-rank changes, from
  layer {manifest["recipe"]["first"] + 1} on, rank {manifest["recipe"]["rank"]}), as it is and with what all clauses have in common taken off; over these two logistic regressions.
  scikit-learn {manifest["scikit-learn"]}, embedder
  {manifest["embedder"]}.
- **Trained on**: {data["clauses"]} clauses by obligation family and {data["judged_pairs"]} judged pairs, written for the project.

## Held-out figures

Grouped cross-validation: no pair is scored by an encoder or regressions that saw its themes or group. The three judgements count equally. A
pair is the same clause from a similarity of {manifest["threshold"]:.3f}, aligned between two plans from {manifest["alignment_threshold"]:.3f}.

| data | pairs | same obligation | average precision | F1 | weighted kappa |
|---|---|---|---|---|---|
{chr(10).join(rows)}

The judged pairs are adversarial: their overlap of words says almost nothing about their judgement.

## Limits

Clauses that say the same in quite other words are often missed; equal words with another subject sometimes pass. Some obligations stand in themes of
several writers, so the figures of the families above, whose folds are by theme, are a little kind.
"""


def queries_card(identifier: str, details: Mapping[str, Any]) -> str:
    """Return the card of a tuning for queries in Markdown; ``details`` are those of its manifest."""
    recipe = details["recipe"]
    return f"""# Queries {identifier}

Changes how {details["embedder"]} reads queries, so that what is asked in other words or in English lies near the passages that answer it;
passages are read as before. Written by `kehoach train --queries`; do not edit.

- **Made of**: low-rank changes of the encoder's upper layers, from layer {recipe["first"] + 1} on, rank {recipe["rank"]}, of which a share of {recipe["share"]} is kept.
- **Trained on**: {details["queries"]:,} queries, each with one of {details["passages"]:,} paragraphs, labelled or of an encyclopedia, that answers it, and {details["meanings"]:,} texts that must go on
  meaning what they mean, general questions among them; {recipe["epochs"]} times over. All written for the project.

## Limits

Made for plans, laws and news on sustainable production and consumption, in Vietnamese and English. The ranking of hits is fitted with one
tuning (`bench/fit_ranking.py`); with another, hits are not cut by probability. Figures are in `results/search.md`.
"""


def adapter_card(groups: Sequence[str], details: Mapping[str, Any]) -> str:
    """Return the card of a task adapter in Markdown; ``details`` are those of its manifest."""
    recipe = details["recipe"]
    return f"""# Adapter of the embedding model

Gives {", ".join(groups)} a logit each, beside the vector of a passage, which it leaves as it is.
Written by `kehoach model finetune`; do not edit.

- **Made of**: low-rank changes (Hu et al. 2022, rank {recipe["rank"]}) of the layers from {recipe["first"] + 1} on and label-wise attention
  over the tokens (Mullenbach et al. 2018), half precision, for {details["embedder"]}.
- **Trained on**: {details["paragraphs"]} labelled paragraphs, composites of them{", spoilt copies of a fifth of both" if recipe["noise"] else ""} and composed rows about
  campaigns; {recipe["epochs"]} epochs at a rate of at most {recipe["rate"]}, batches of {recipe["batch"]}, dropout {recipe["dropout"]}, seed {recipe["seed"]}. Mean loss of the
  last epoch {details["last_loss"]}.
- **Held-out logits** of those paragraphs are in the same file, by {recipe["folds"]} adapters trained like it, each without
  the documents it was asked about: the tagger is fitted on them.

Figures of the tagger that uses it are in that tagger's card and in `results/tagging.md`.
"""
