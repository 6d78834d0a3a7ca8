"""Rules of LiqPass as pure functions and frozen values: no clock, no network, no database, no files."""
