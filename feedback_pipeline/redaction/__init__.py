"""Personal data and secrets in texts: found by format, checksum or cue, replaced by placeholders."""
