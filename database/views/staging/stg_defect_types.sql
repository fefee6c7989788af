-- One row is one class of defects that may be logged.
-- key: defect_type
-- defect_type: the class
-- type_order: its place in lists
-- taxonomy: whose class it is: AI, PSP, or a name of your own
SELECT
    defect_type,
    type_order,
    taxonomy
FROM raw.defect_types
