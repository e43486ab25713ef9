"""From files of the landing zone to interactions, feedback events and the ledger of every line."""
