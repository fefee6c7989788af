-- The roles (phases) in their order, with their kind in PSP's terms. Specialist reviewers stand beside the review they
-- belong to. People add roles of their own; a role that is not listed has no order and no kind, and is shown last.

INSERT INTO agent_roles (agent_role, phase_order, kind) VALUES
    ('Planning', 10, 'overhead'),
    ('Design', 20, 'construction'),
    ('DesignReview', 30, 'appraisal'),
    ('SecurityReview', 31, 'appraisal'),
    ('PerformanceReview', 32, 'appraisal'),
    ('DataIntegrityReview', 33, 'appraisal'),
    ('MaintainabilityReview', 34, 'appraisal'),
    ('ArchitectureReview', 35, 'appraisal'),
    ('APIDesignReview', 36, 'appraisal'),
    ('Code', 40, 'construction'),
    ('CodeReview', 50, 'appraisal'),
    ('CodeQualityReview', 51, 'appraisal'),
    ('CodeSecurityReview', 52, 'appraisal'),
    ('BestPracticesReview', 53, 'appraisal'),
    ('TestCoverageReview', 54, 'appraisal'),
    ('CodePerformanceReview', 55, 'appraisal'),
    ('DocumentationReview', 56, 'appraisal'),
    ('Test', 60, 'failure'),
    ('Postmortem', 70, 'overhead');
