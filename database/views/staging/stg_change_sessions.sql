-- One row is one session of an agent that worked on one change.
-- key: link_id
-- link_id: names the link
-- change_id: the change
-- session_id: the session, as executions name it in their metadata
-- evidence: trailer or checkpoint (a message names it), branch, paths: how it is known
-- share [share of 1]: which share of the session belongs to the change
-- load_id: the load that first wrote the row; empty where none is logged
SELECT
    link_id,
    change_id,
    session_id,
    evidence,
    share,
    load_id
FROM raw.change_session
