"""The store: what any store promises (contract, histories), and what the SQLite file in particular goes through."""
