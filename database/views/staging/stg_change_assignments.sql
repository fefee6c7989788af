-- One row is one task that was assigned to the new state of a change, or kept on the old one, at random.
-- key: change_id, task_id
-- change_id: the change
-- task_id: the task, which may have no record yet
-- is_new: whether the task has the new state
-- assigned_at [UTC]: when it was assigned
SELECT
    change_id,
    task_id,
    CAST(is_new AS BOOLEAN) AS is_new,
    CAST(assigned_at AS TIMESTAMP) AS assigned_at
FROM raw.change_assignment
