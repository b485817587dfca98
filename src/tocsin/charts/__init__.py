"""Charts and the page frame that every page shares."""
