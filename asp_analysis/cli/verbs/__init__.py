"""One module per verb: each says its options, calls what answers, and prints."""
