"""How agents learn: mining, pairs, SFT, DPO and rounds.  Nothing lives here yet."""
