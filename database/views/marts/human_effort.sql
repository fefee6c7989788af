-- One row is one task of which a transcript or a forge says what people did: how often, not how long.
-- key: task_id
-- task_id: the task
-- project_id: the project
-- prompts [count]: answers of an agent that a person asked for; empty where the transcript does not mark them
-- interruptions [count]: how often a person stopped an agent; empty where no transcript is loaded
-- reviews_by_persons [count]: reviews of its pull requests by persons, the author left out
-- reviews_by_bots [count]: the same by programs
-- review_rounds [count]: reviews between which something was pushed
-- waiting_minutes [minutes]: until the first review by a person; nobody works while it waits
-- open_minutes [minutes]: until the merge
WITH told AS ( -- one pass over the text, which is long for transcripts
    SELECT
        task_id,
        project_id,
        json_transform(TRY_CAST(metadata_json AS JSON), '{
            "activity": {"turns": ["VARCHAR"]}, "interruptions": "VARCHAR", "reviews_by_persons": "VARCHAR",
            "reviews_by_bots": "VARCHAR", "review_rounds": "VARCHAR", "waiting_minutes": "VARCHAR", "open_minutes": "VARCHAR"
        }') AS about
    FROM stg_tasks
    WHERE metadata_json IS NOT NULL
),

counted AS (
    SELECT
        task_id,
        project_id,
        CAST(NULLIF(array_length(about.activity.turns), 0) AS BIGINT) AS prompts,
        TRY_CAST(about.interruptions AS BIGINT) AS interruptions,
        TRY_CAST(about.reviews_by_persons AS BIGINT) AS reviews_by_persons,
        TRY_CAST(about.reviews_by_bots AS BIGINT) AS reviews_by_bots,
        TRY_CAST(about.review_rounds AS BIGINT) AS review_rounds,
        TRY_CAST(about.waiting_minutes AS BIGINT) AS waiting_minutes,
        TRY_CAST(about.open_minutes AS BIGINT) AS open_minutes
    FROM told
)

SELECT *
FROM counted
WHERE COALESCE(prompts, interruptions, reviews_by_persons, reviews_by_bots, open_minutes) IS NOT NULL
