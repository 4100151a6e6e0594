"""The language of the engine: ids, states, facts, verdict rules, contracts. Pure Python, no I/O."""
