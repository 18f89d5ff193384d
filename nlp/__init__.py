"""Vietnamese text in, Vietnamese text out: normalise, fold, segment, split, restore accents, expand abbreviations."""
