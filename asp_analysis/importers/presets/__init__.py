"""Presets: what the exports of other tools mean, as data that a user can print, copy and change."""
