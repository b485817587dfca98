"""What the database holds, one file a kind of thing; each works inside the transaction that it is given."""
