"""What every process of ours needs to run: its settings, its logs, its start and end, its probe."""
