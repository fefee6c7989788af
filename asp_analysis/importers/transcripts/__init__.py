"""What all transcripts share: calls and activities that merge in any order, and their rows in the store."""
