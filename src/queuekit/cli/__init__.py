"""The command line: ``queuekit put | get | consume | peek | stats | purge | dead | demo``."""
