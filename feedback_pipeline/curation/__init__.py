"""From verdicts to dataset versions: filters, redaction, deduplication, splits, decontamination."""
