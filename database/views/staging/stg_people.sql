-- One row is one person's time in one team. Where two overlap, the one that began later holds.
-- key: person, from_day
-- person: the person, as executions name them in user_id
-- from_day: the first day (UTC)
-- until_day: the last day (UTC); empty where it is open
-- team: the team
-- cost_center: who pays
-- load_id: the load that first wrote the row; empty where none is logged
SELECT
    person,
    CAST(from_day AS DATE) AS from_day,
    CAST(until_day AS DATE) AS until_day,
    team,
    cost_center,
    load_id
FROM raw.people
