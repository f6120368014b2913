"""MailIt's shared layer. The tiers and what may import what: `docs/hacking.md`."""
