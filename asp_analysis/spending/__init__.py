"""What will be spent until a period ends: forecasts of daily spend, next to what simple rules say.

The package sees a series of daily amounts and knows no store; `budgeting` reads the store and joins the two.
"""
