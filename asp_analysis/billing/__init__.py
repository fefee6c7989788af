"""What providers billed next to what the store has seen, per day and model, with the likely cause of each difference.

`reading` turns a bill into lines, whatever its form; `comparison` puts them next to what was seen;
`difference_causes` says why they differ. Bills never become executions: a bill knows no task, and what it says is in
the store already.
"""
