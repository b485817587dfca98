"""What the API answers, one file a subject."""
