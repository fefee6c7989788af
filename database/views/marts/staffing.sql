-- One row is one person's time in one team, without overlaps: where two rows of a person overlap, the later one holds.
-- key: person, from_day
-- person: the person, as executions name them in user_id
-- from_day [date]: the first day (UTC)
-- until_day [date]: the last day (UTC), the day before the person's next row at the latest; empty where it is open
-- team: the team
-- cost_center: who pays
SELECT
    person,
    from_day,
    LEAST(
        until_day,
        CAST(LEAD(from_day) OVER (PARTITION BY person ORDER BY from_day) - INTERVAL 1 DAY AS DATE)
    ) AS until_day,
    team,
    cost_center
FROM stg_people
