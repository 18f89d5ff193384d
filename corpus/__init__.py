"""Documents and what is known of them: readers, cleaning, structure, metadata, targets, store, sample and labelled data."""
