"""The paper, regenerated and audited: its tables and figures, from its own data and from this code."""
