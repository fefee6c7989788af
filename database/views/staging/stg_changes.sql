-- One row is one change of code: what came to the main branch at once, or a branch that has not.
-- key: change_id
-- change_id: names the change: `owner/name#12` by its pull request, `owner/name@hash` by its commit, `owner/name:branch`
-- task_id: the task
-- project_id: the project
-- repository: the repository, `owner/name` where it has a remote
-- flow: how it came: merge, squash, rebase, commit; branch where it has not come
-- outcome: merged, open or abandoned (a branch without a commit for 30 days)
-- branch: the branch that it was made on; empty where the history does not say
-- pull_request: number of the pull or merge request
-- commit_hash: the commit that finished it
-- user_id: the e-mail address that wrote most of its commits
-- agent: coding agents that its commits name; empty where they say nothing, which does not mean a person
-- title: the title
-- started_at [UTC]: when its first commit was written
-- merged_at [UTC]: when it came to the main branch; empty where it has not
-- release_name: the first tag that holds it
-- released_at [UTC]: when that tag was made
-- commits [count]: commits
-- files [count]: files, without generated and vendored ones
-- hunks [count]: places that were changed
-- lines_added [lines]: added, without generated, vendored and lock files
-- lines_deleted [lines]: deleted, without the same
-- foreign_lines [lines]: added and deleted in generated, vendored and lock files
-- is_fix: it corrects a defect, as its type, title or issues say
-- lines_lost_14 [lines]: of lines_added, gone 14 days later; empty where the history is not that much older
-- lines_lost_30 [lines]: of lines_added, gone 30 days later; empty where the history is not that much older
-- lines_lost_90 [lines]: of lines_added, gone 90 days later; empty where the history is not that much older
-- reverted_at [UTC]: when it was undone, wholly or in part
-- reverted_by: the change that undid it
-- reverted_share [share of 1]: which share of its lines was undone; empty where only a message says so
-- revert_evidence: message or lines: how it is known that it was undone
-- metadata_json: anything else, a JSON object
-- load_id: the load that first wrote the row; empty where none is logged
SELECT
    change_id,
    task_id,
    project_id,
    repository,
    flow,
    outcome,
    branch,
    pull_request,
    commit_hash,
    user_id,
    agent,
    title,
    CAST(started_at AS TIMESTAMP) AS started_at,
    CAST(merged_at AS TIMESTAMP) AS merged_at,
    release_name,
    CAST(released_at AS TIMESTAMP) AS released_at,
    commits,
    files,
    hunks,
    lines_added,
    lines_deleted,
    foreign_lines,
    CAST(is_fix AS BOOLEAN) AS is_fix,
    lines_lost_14,
    lines_lost_30,
    lines_lost_90,
    CAST(reverted_at AS TIMESTAMP) AS reverted_at,
    reverted_by,
    reverted_share,
    revert_evidence,
    CAST(metadata_json AS VARCHAR) AS metadata_json,
    load_id
FROM raw.code_change
