"""OCPP 1.6J: what a charge point sends (one file per message group), and what it can be asked."""
