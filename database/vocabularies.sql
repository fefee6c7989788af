-- The words that a new store knows: roles, capabilities and classes of defects. People add their own as rows.

-- The roles (phases) in their order, with their kind in PSP's terms. Specialist reviewers are next to the review they
-- belong to. A role that is not listed has no order and no kind, and is shown last.
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

INSERT INTO capabilities (capability, capability_order, meaning) VALUES
    ('PROBE_AI', 10, 'estimates what a task will cost'),
    ('TaskDecomposition', 20, 'divides a task into units'),
    ('ErrorProneDetection', 30, 'names the components that will have defects'),
    ('ReviewAgent_Design', 40, 'reviews designs'),
    ('ReviewAgent_Code', 50, 'reviews code'),
    ('DefectTypePrediction', 60, 'predicts the classes of defects of a task');

-- The taxonomy of agents' defects, and the ten types of the Personal Software Process.
INSERT INTO defect_types (defect_type, type_order, taxonomy) VALUES
    ('1_Planning_Failure', 1, 'AI'),
    ('2_Prompt_Misinterpretation', 2, 'AI'),
    ('3_Tool_Use_Error', 3, 'AI'),
    ('4_Hallucination', 4, 'AI'),
    ('5_Security_Vulnerability', 5, 'AI'),
    ('6_Conventional_Code_Bug', 6, 'AI'),
    ('7_Task_Execution_Error', 7, 'AI'),
    ('8_Alignment_Deviation', 8, 'AI'),
    ('10_Documentation', 10, 'PSP'),
    ('20_Syntax', 20, 'PSP'),
    ('30_Build_Package', 30, 'PSP'),
    ('40_Assignment', 40, 'PSP'),
    ('50_Interface', 50, 'PSP'),
    ('60_Checking', 60, 'PSP'),
    ('70_Data', 70, 'PSP'),
    ('80_Function', 80, 'PSP'),
    ('90_System', 90, 'PSP'),
    ('100_Environment', 100, 'PSP');
