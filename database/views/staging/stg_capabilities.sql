-- One row is one capability that may learn to act alone.
-- key: capability
-- capability: the capability
-- capability_order: its place in lists
-- meaning: what it does
SELECT
    capability,
    capability_order,
    meaning
FROM raw.capabilities
