"""Writes sample_data.sql: ten weeks of an invented ferry line's booking software, built by AI agents.

Everything is drawn from one seeded generator, so the file comes out the same byte for byte. The shape of the numbers
(noise, tails, cache shares) follows public records of real agents; people, projects and events are invented. The
rows of `bootstrap_metrics` are computed from the generated tasks and defects wherever those can show the metric.
A row has the columns of its table, in their order; columns that are NULL in every row are left out.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Row = dict[str, Any]
Rng = np.random.Generator
SQLITE_FILE = Path(__file__).with_name("sample_data.sql")
POSTGRES_FILE = Path(__file__).parents[1] / "migrations" / "004_sample_data.sql"


@dataclass(frozen=True)
class World:
    """What the invented project is like; each value with the reason for it."""

    seed: int = 20251261  # of some hundred tried: one whose relapse, tail and learning curves can be seen by eye
    first_day: datetime = datetime(2025, 10, 6)  # a Monday on which all three models were on sale
    days: int = 70  # ten weeks: long enough for learning curves and one relapse
    prompt_change_day: int = 33  # agents go from 1.0.0 to 1.1.0 once, near the middle
    prompt_saving: float = 0.92  # the new prompts need 8 % fewer tokens: real, and too small to see without statistics
    median_size: float = 30.0  # semantic complexity; with the next value nearly all tasks fall into 5 to 120
    size_log_sd: float = 0.8
    growth_log_sd: float = 0.13  # plans are wrong by about 13 %, and a bit low
    size_exponent: float = (
        0.9  # cost grows slower than size (public agent runs: 0.6 to 0.8; 43 tasks need more to show)
    )
    task_log_sd: float = 0.32  # shared by all executions of a task: some tasks are simply nasty
    execution_log_sd: float = 0.45  # with the above 0.55 in all (public agent runs of like tasks: 0.5 to 0.9)
    runaway_share: float = 0.02  # an agent that runs in circles ...
    runaway_factor: float = 3.5  # ... makes the tail of real agents: the largest cost is 3 to 15 times the median
    cache_miss_share: float = 0.05  # 95 % of the input is read from a cache (public coding sessions: median 96 %)
    unknown_share: float = 0.015  # a measure that nobody recorded: NULL, never 0
    defects_per_size: float = 0.04  # under the platform's limit of 0.10 defects per complexity unit
    bad_component: str = "payments.py"  # the one component that is clearly more error-prone ...
    bad_factor: float = 2.8  # ... above the 2 x median at which the platform calls it so
    failed: tuple[int, ...] = (11, 24, 36)  # positions of the tasks that were given up after Test
    finished: int = 46  # tasks before this position are completed or failed; of the rest two are begun, two wait
    window: int = 15  # rates look at this many last cases: few enough to follow a change, enough to be a rate


WORLD = World()
CURVES = {  # how the team and its agents change: (days), (values)
    "estimate_error": ((0, 40, 70), (0.48, 0.24, 0.17)),
    "plan_corrected": ((0, 10, 35, 70), (0.90, 0.60, 0.12, 0.03)),
    "design_confirmed": ((0, 70), (0.50, 0.90)),
    "design_escaped": ((0, 70), (0.40, 0.14)),
    "code_confirmed": ((0, 18, 46, 53, 70), (0.50, 0.93, 0.93, 0.62, 0.40)),  # the relapse: after day 46
    "code_escaped": ((0, 20, 46, 70), (0.45, 0.0, 0.0, 0.35)),
    "density_drop_pct": ((0, 70), (2.0, 25.0)),
    "top_3_hits": ((0, 70), (0.34, 0.63)),
}


class Price(NamedTuple):
    """USD per million tokens."""

    provider: str
    fresh: float
    cache_read: float
    cache_write: float
    out: float


class Role(NamedTuple):
    """What one execution of a role takes at the median size, and who does it: in most cases the first model."""

    tokens_in: int
    out_share: float
    models: tuple[str, str]


OPUS, SONNET, MINI = "claude-opus-4-1", "claude-sonnet-4-5", "gpt-5-mini"
# Published list prices of Anthropic (5 minute cache) and OpenAI (writing to the cache is free) as of 2025-10-06.
PRICES = {
    OPUS: Price("anthropic", 15.00, 1.50, 18.75, 75.00),
    SONNET: Price("anthropic", 3.00, 0.30, 3.75, 15.00),
    MINI: Price("openai", 0.25, 0.025, 0.0, 2.00),
}
ROLES = {
    "Planning": Role(90_000, 0.030, (OPUS, SONNET)),
    "Design": Role(130_000, 0.028, (OPUS, SONNET)),
    "DesignReview": Role(260_000, 0.015, (SONNET, MINI)),
    "Code": Role(1_400_000, 0.010, (SONNET, SONNET)),
    "CodeReview": Role(420_000, 0.012, (SONNET, MINI)),
    "Test": Role(800_000, 0.008, (MINI, SONNET)),
    "Postmortem": Role(140_000, 0.020, (MINI, MINI)),
}
SPECIALIST = Role(200_000, 0.015, (SONNET, MINI))
REVIEWS = {
    "design": ("DesignReview", "SecurityReview", "DataIntegrityReview", "PerformanceReview", "APIDesignReview"),
    "code": ("CodeReview", "CodeQualityReview", "CodeSecurityReview", "TestCoverageReview"),
}
TOKENS = ("tokens_in", "tokens_out", "tokens_cache_read", "tokens_cache_write")
MEASURES = ("latency_ms", *TOKENS, "cost_usd", "tool_calls", "retries", "memory_mb")  # of an execution, in table order
TOTALS = ("latency_ms", "tokens", "cost_usd")  # of a task: estimated and reported
WEIGHTS = {"data_transformations": 5, "code_entities_modified": 4, "logical_branches": 3, "api_interactions": 2}
EFFORT = {"Code": 1.8, "Test": 5.0, "Postmortem": 8.0}  # of a correction, relative to one found in a design review

# --- texts ------------------------------------------------------------------------------------------------------------

PEOPLE = ("ines", "marek", "solveig")
TEAMS = (
    ("ines", "2025-09-01", None, "harbour", "4711"),
    ("marek", "2025-09-01", "2025-11-12", "booking", "4712"),
    ("marek", "2025-11-13", None, "harbour", "4711"),
    ("solveig", "2025-09-01", None, "booking", "4712"),
)
"""Person, first and last day, team, cost center: marek moves in the middle of a month."""

MACHINES = {"ines": "quay-laptop", "marek": "deck-laptop", "solveig": "deck-laptop"}
SHARED_MACHINE, SHARED_ROLE = "ci-runner", "Test"
"""Tests run on a machine that all share."""

COMPONENTS = """
src/booking/payments.py|capture_payment|refund_booking|retry_charge|reconcile_payouts
src/booking/reservations.py|hold_cabin|release_expired_holds|change_sailing
src/booking/pricing.py|fare_for|apply_resident_discount|vehicle_surcharge
src/booking/accounts.py|sign_in|reset_password|merge_guest_account
src/booking/search.py|find_sailings|rank_connections
src/booking/reports.py|daily_revenue|load_factor_by_route
src/booking/web/checkout.tsx|PassengerForm|FareSummary|VehicleStep
src/harbour/berths.py|assign_berth|berth_conflicts
src/harbour/timetable.py|publish_timetable|shift_for_tide
src/harbour/manifests.py|build_manifest|dangerous_goods_of
src/harbour/api.py|list_departures|post_delay
src/boarding/scanner.kt|onCodeRead|checkIn
src/boarding/sync.kt|pushPending|resolveConflict
"""
# type | component | what the units are about | description | requirement
TASKS = """
database|reservations|cabin holds|Add a table for cabin holds with an expiry|A hold lapses 15 minutes after its last change; two guests never hold the same cabin.
authentication|accounts|guest sign-in|Let guests sign in with an e-mail link|The link works once and for 20 minutes; a used link explains what to do next.
api|harbour/api|departures|List departures of a harbour for the next 24 hours|Sorted by planned time; delays appear within a minute; answers in under 200 ms.
ui|web/checkout|passenger form|Passenger form with names as printed on the passport|Works by keyboard alone; errors stand beside their field.
integration|payments|card payments|Charge cards through the payment provider|A charge is never sent twice, even if the answer is lost; amounts are in minor units.
database|timetable|sailings|Store sailings with season and weekday pattern|Exceptions for holidays override the pattern; past sailings cannot be edited.
api|pricing|fares|Endpoint that prices a party with a vehicle|Children under 4 travel free; the fare lists each component with its tax.
ui|search|sailing search|Search page with route, date and number of passengers|The last search is kept; a full sailing is shown as full, not hidden.
background_job|reservations|expired holds|Release expired holds every minute|No hold survives its expiry by more than two minutes; the job may run twice at once.
integration|payments|refunds|Refund a booking fully or in part|Partial refunds keep the ticket of the remaining passengers valid.
reporting|reports|daily revenue|Daily revenue per route as CSV|Refunds count on the day of the refund; totals agree with the payouts.
database|manifests|passenger manifests|Passenger manifest per sailing with nationality|Personal data is deleted 90 days after arrival.
authentication|accounts|password reset|Reset of forgotten passwords|Nobody can learn from the answer whether an address has an account.
api|berths|berth plan|Assign berths to arriving ships|A ship longer than the berth is refused with the lengths named.
ui|web/checkout|vehicle step|Vehicle step with length, height and trailer|Metric and imperial entry; a van above 2.1 m is sent to the high deck.
integration|payments|payment retries|Retry charges that the provider declined for technical reasons|Three tries with growing pauses; the guest is told after the last.
background_job|timetable|tide shifts|Shift sailings at tidal harbours|Shifts above 45 minutes need a person's consent.
api|reservations|cabin changes|Change a booking to another sailing|The fare difference is quoted first; the old cabin is freed only when the new one is sure.
reporting|reports|load factors|Load factor by route and week|Vehicles count in lane metres, passengers in seats.
ui|scanner|boarding scan|Scan tickets at the ramp without a network|A ticket is accepted once per device; the crew sees the name in under half a second.
background_job|sync|offline boardings|Send boardings when the network is back|Order is kept per device; a conflict is shown to the purser.
database|pricing|fare tables|Versioned fare tables with a start date|A booked fare never changes; a table can be prepared weeks ahead.
authentication|accounts|crew roles|Roles for crew, harbour office and revenue desk|A role is granted for a sailing or for a harbour, never for everything.
integration|manifests|coast guard reports|Send manifests to the coast guard's system|Sent 30 minutes before departure, again when a passenger is added.
api|harbour/api|delays|Harbour staff post delays with a reason|Guests of the sailing get one message per delay of more than 10 minutes.
integration|payments|vouchers|Pay with a voucher and a card together|The voucher is used first; its rest stays valid.
ui|web/checkout|fare summary|Fare summary that explains each surcharge|Every line has a short reason; the total never jumps between steps.
database|berths|berth history|Keep the history of berth assignments|Who changed what and when can be read for two years.
api|search|connections|Find connections over two ferries|At least 40 minutes to change; the slower one is shown only if it is cheaper.
background_job|payments|payout matching|Match payouts with bookings each night|Unmatched amounts are listed with the likeliest booking.
reporting|reports|no-shows|No-show report by route and fare|People who were moved to another sailing are not no-shows.
authentication|accounts|guest merge|Merge guest bookings into a new account|Only after the address is confirmed; merging can be undone for a day.
ui|scanner|manual check-in|Check in by name when the code cannot be read|Two people with one name are told apart by their date of birth.
integration|payments|wallet payments|Pay with phone wallets|Same receipts and refunds as cards; no wallet button where it cannot work.
api|manifests|dangerous goods|Declare dangerous goods with a vehicle|Classes that exclude each other are not put on one deck.
database|reservations|waiting list|Waiting list for full sailings|First come, first served within a cabin class; an offer lapses after 2 hours.
background_job|reservations|waiting list offers|Offer freed cabins to the waiting list|One offer at a time per cabin; the offer survives a restart.
ui|web/checkout|seat choice|Choose seats on the fast ferry|Seats of a party stay together if possible; blocked seats cannot be reached by keyboard.
reporting|reports|delay reasons|Delay minutes by reason and harbour|A delay is counted once, at the harbour where it began.
api|pricing|resident discounts|Island residents get 40 % off|Proof is checked once a year; the discount applies to one vehicle.
integration|timetable|regional timetable feed|Publish the timetable to the regional journey planner|Changes of today go out within five minutes.
authentication|accounts|session expiry|End idle sessions on shared terminals|The booking in progress is kept for the same person for an hour.
integration|payments|chargebacks|Record chargebacks and freeze the booking|The revenue desk gets the evidence that the provider asks for in one file.
background_job|sync|device clean-up|Remove old sailings from the scanners|Only after all boardings were sent; frees space before the season.
ui|search|price calendar|Cheapest fare per day for a month|The page is usable before all prices are there.
api|reservations|group bookings|Bookings for school classes with one payer|Names may follow until two days before; the invoice shows only the total.
reporting|reports|fuel per passenger|Fuel per passenger and crossing|Crossings without a fuel reading are left out and counted.
database|payments|ledger|Keep payments in a double-entry ledger|Each booking's accounts sum to zero; entries are never changed.
ui|scanner|lane guidance|Show the lane for a vehicle after the scan|The plan can change while cars roll; the last word has the deck officer.
integration|manifests|cruise handover|Take over passengers of a late cruise ship|The list arrives by file; unknown nationalities are asked back.
"""  # noqa: E501
# type | what its units do
UNIT_TEXTS = """
database|Write the schema change for {}|Move existing rows to {}|Queries that read {}|Constraints and indexes for {}|Audit trail of {}|Rollback and tests for {}
authentication|Token handling for {}|Mail and page texts for {}|Rate limit on {}|Session changes for {}|Audit events of {}|Abuse tests for {}
api|Request and response models of {}|Rules that validate {}|Core logic of {}|Error answers of {}|Cache for {}|Contract tests for {}
ui|Layout of {}|State and validation of {}|Load and save {}|Keyboard and screen reader support of {}|Texts and translations of {}|Browser tests of {}
reporting|Query behind {}|Edge cases of {}: refunds, moves, gaps|Table and chart of {}|CSV export of {}|Check {} against last year|Schedule {}
integration|Client for {}|Map their fields to ours for {}|Repeat and time out safely: {}|Webhook for {}|Reconcile {}|Sandbox tests of {}
background_job|Find the work of {}|Lock against a second run of {}|Process one item of {}|Metrics and alarm for {}|Resume {} after a crash|Load test of {}
"""  # noqa: E501
# stage | type | its weight within the stage | description | root cause
DEFECT_TEXTS = """
design|1_Planning_Failure|9|The plan of {} leaves out what happens when the sailing is cancelled|No unit covered the unhappy path
design|1_Planning_Failure|9|{} needs data that only a later unit creates|Units were put in the wrong order
design|1_Planning_Failure|9|Roll-out of {} has no step back|The migration was planned as code only
design|2_Prompt_Misinterpretation|8|{} treats the time of departure as local to the server|The requirement names harbour time; the agent read UTC
design|2_Prompt_Misinterpretation|8|{} is designed per passenger although the fare is per party|Ambiguous word in the requirement
design|2_Prompt_Misinterpretation|8|{} hides full sailings instead of marking them|The sentence's second half was ignored
design|4_Hallucination|7|The design of {} relies on a provider endpoint that does not exist|Invented from a similar provider's interface
design|4_Hallucination|7|{} assumes that holds carry a version number|A column was assumed, not looked up
design|5_Security_Vulnerability|6|{} would let one guest read another's booking by its number|Authorisation was left to the caller
design|5_Security_Vulnerability|6|{} keeps passport numbers without a deletion date|Retention rule not carried into the design
design|8_Alignment_Deviation|5|{} adds a newsletter consent that nobody asked for|Scope widened by the agent
design|8_Alignment_Deviation|5|{} rounds in the company's favour|Optimised revenue instead of the stated rule
design|50_Interface|6|{} returns minutes where its callers expect seconds|Unit missing in the interface description
design|50_Interface|6|The answer of {} has no field for partial success|Designed for the single case only
code|6_Conventional_Code_Bug|7|{} is off by one on the last day of a month|Range end taken as inclusive
code|6_Conventional_Code_Bug|7|{} fails for a party without a vehicle|None was not handled
code|6_Conventional_Code_Bug|7|{} sums floats and loses cents|Decimal amounts converted too early
code|6_Conventional_Code_Bug|7|{} keeps the lock when the second query fails|Release not in a finally branch
code|6_Conventional_Code_Bug|7|{} sorts times as text|Wrong key type
code|4_Hallucination|6|{} calls a library method that was never there|Method name invented
code|4_Hallucination|6|{} imports a module that is not a dependency|Package assumed to be installed
code|3_Tool_Use_Error|4|The edit of {} overwrote a neighbour function|Search and replace matched twice
code|3_Tool_Use_Error|4|Tests of {} were run in the wrong folder and reported as green|Exit code of the tool not read
code|5_Security_Vulnerability|6|{} builds its query by joining strings|Values not bound
code|5_Security_Vulnerability|6|{} writes the card's last digits and name to the log|Whole object logged
code|7_Task_Execution_Error|5|{} is left with a stub for the refund case|The agent stopped before the last unit
code|7_Task_Execution_Error|5|The migration behind {} was written but never registered|Final step skipped
code|60_Checking|4|{} accepts a negative number of passengers|Input not checked at the door
code|60_Checking|4|{} lets a lapsed offer be taken|Expiry compared with the wrong clock
code|70_Data|4|{} stores lengths in feet without saying so|Unit lost in conversion
code|70_Data|4|{} writes duplicates when run twice|No unique key on the target
code|20_Syntax|2|{} does not compile under strict mode|Optional type not unwrapped
code|20_Syntax|2|{} has an unreachable branch|Copy of the branch above
"""  # noqa: E501
MISSING_UNITS = ("Tell guests by mail", "Backfill old bookings", "Feature switch for the roll-out", "Alarm on silence")
RESOLUTIONS = ("Fixed and covered by a test", "Corrected in the next iteration", "Fixed; rule added to the prompt")

# --- small tools ------------------------------------------------------------------------------------------------------


def rows_of(block: str, key: str = "") -> list[list[str]]:
    """Split a block of text into rows and cells; with a key, give the rest of the rows that begin with it."""
    rows = [line.split("|") for line in block.strip().splitlines()]
    return [row[1:] for row in rows if row[0] == key] if key else rows


FUNCTIONS = {path: functions for path, *functions in rows_of(COMPONENTS)}


def instant(moment: datetime) -> str:
    """Give the store's text form of a UTC instant; whole seconds are enough here."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def curve(name: str, moment: datetime) -> float:
    """Read one of the CURVES at an instant."""
    return float(np.interp((moment - WORLD.first_day) / timedelta(days=1), *CURVES[name]))


def working_time(moment: datetime) -> datetime:
    """Move an instant into the working hours (Monday to Friday, 7 to 18 UTC), never back."""
    if not 7 <= moment.hour < 18:
        moment = (moment + timedelta(days=int(moment.hour >= 18))).replace(hour=8)
    return moment + timedelta(days=7 - moment.weekday() if moment.weekday() > 4 else 0)


def noise(rng: Rng, log_sd: float) -> float:
    """Draw a factor around 1 with the given SD of its logarithm."""
    return float(np.exp(rng.normal(0, log_sd)))


class Quota:
    """Hands out whole cases at a changing rate, evenly instead of by lot, so that small counts show the rate."""

    def __init__(self) -> None:
        self.owed = 0.5

    def take(self, rate: float) -> int:
        """Add the rate to what is owed and give the whole cases in it."""
        self.owed += rate
        cases = int(self.owed)
        self.owed -= cases
        return cases


# --- tasks and their plans --------------------------------------------------------------------------------------------


def unit_factors(points: float, rng: Rng) -> Row:
    """Spend about `points` on the four factors at their weights, in random order."""
    factors, left = dict.fromkeys(WEIGHTS, 0), max(points, 2.0) + 0.5
    while affordable := [name for name, weight in WEIGHTS.items() if weight <= left]:
        name = affordable[rng.integers(len(affordable))]
        factors[name] += 1
        left -= WEIGHTS[name]
    return factors


def semantic_units(task_type: str, thing: str, size: float, rng: Rng) -> list[Row]:
    """Cut a task of about `size` into 2 to 6 units whose factors give their complexity by the platform's formula."""
    texts = rows_of(UNIT_TEXTS, task_type)[0]
    count = int(np.clip(round(size / 9 + rng.uniform(0, 1.5)), 2, 6))
    chosen = sorted(rng.choice(len(texts), size=count, replace=False))
    units: list[Row] = []
    for number, (text, share) in enumerate(zip(chosen, rng.dirichlet(np.full(count, 6.0)), strict=True), start=1):
        novelty = float(rng.choice([1.0, 1.5, 2.0], p=[0.6, 0.28, 0.12]))
        factors = unit_factors(size * share / novelty, rng)
        complexity = novelty * sum(WEIGHTS[name] * times for name, times in factors.items())
        before = [f"SU-{number - 1}"] if number > 1 and rng.random() < 0.7 else []
        unit = {"unit_id": f"SU-{number}", "description": texts[text].format(thing), "est_complexity": complexity}
        units.append(unit | factors | {"novelty": novelty, "depends_on": before})
    return units


def make_task(number: int, created: datetime, rng: Rng) -> Row:
    """Write down a task as it waits in the backlog: planned, not begun."""
    task_type, component, thing, description, requirement = rows_of(TASKS)[number - 1]
    path = next(path for path in FUNCTIONS if path.rpartition(".")[0].endswith("/" + component))
    near = [other for other in FUNCTIONS if other.split("/")[1] == path.split("/")[1] and other != path]
    touched = [str(other) for other in rng.permutation(near)[: rng.integers(0, 3)]]
    units = semantic_units(task_type, thing, np.clip(WORLD.median_size * noise(rng, WORLD.size_log_sd), 8, 110), rng)
    project = {"booking": "ferry-booking", "harbour": "harbour-office", "boarding": "boarding-app"}[path.split("/")[1]]
    return (
        {"task_id": f"FERRY-{number:03d}", "created_at": instant(created), "started_at": None, "completed_at": None}
        | {"project_id": project, "task_type": task_type, "task_description": description}
        | {"requirements_text": requirement, "status": "pending", "is_stub": False}
        | {"estimated_size": round(sum(unit["est_complexity"] for unit in units)), "actual_size": None}
        | {f"{kind}_{name}": None for kind in ("estimated", "reported") for name in TOTALS}
        | {"reported_defects": 0, "reported_defect_density": None, "bootstrap_phase": None, "is_human_reviewed": None}
        | {"human_corrections_json": None, "semantic_units_json": units, "components_json": [path, *touched]}
    )


def corrections(units: list[Row], rng: Rng) -> Row:
    """Say what a person changed in a plan: one or two kinds of change, the other kinds empty."""
    unit = units[rng.integers(len(units))]
    better = round(unit["est_complexity"] * rng.uniform(1.2, 1.8))
    changes = {
        "missing_tasks": [str(rng.choice(MISSING_UNITS))],
        "incorrect_complexity": {unit["unit_id"]: {"planned": unit["est_complexity"], "corrected": better}},
        "sequencing_issues": [f"{units[-1]['unit_id']} can only begin after {units[0]['unit_id']}"],
    }
    kept = rng.permutation(list(changes))[: rng.integers(1, 3)]
    return {kind: value if kind in kept else type(value)() for kind, value in changes.items()}


def estimate_cost(task: Row, usual: Row, rng: Rng) -> Row:
    """Give the planner's estimate, in most cases too low; of a task that is not finished, around the usual cost."""
    relative = (task["estimated_size"] / WORLD.median_size) ** WORLD.size_exponent
    truth = {name: task[f"reported_{name}"] if task["completed_at"] else usual[name] * relative for name in TOTALS}
    miss = curve("estimate_error", datetime.fromisoformat(task["created_at"][:19])) * rng.uniform(0.5, 1.5)
    factor = 1 + miss * (-1 if rng.random() < 0.7 else 1)
    guess = {name: value * factor * noise(rng, 0.04) for name, value in truth.items()}
    whole = {f"estimated_{name}": int(round(guess[name], -3)) for name in ("latency_ms", "tokens")}
    return whole | {"estimated_cost_usd": round(guess["cost_usd"], 2)}


# --- executions -------------------------------------------------------------------------------------------------------


def steps(status: str, rng: Rng) -> list[tuple[str, int]]:
    """List the runs of a task in order as (role, iteration): reviews may send the work back once or twice."""
    design = [("Planning", 1), ("Design", 1), ("DesignReview", 1)]
    if status == "in_progress":
        return design
    design += [(str(rng.choice(REVIEWS["design"][1:])), 1)] if rng.random() < 0.25 else []
    design += [("Design", 2), ("DesignReview", 2)] if rng.random() < 0.12 else []
    code = [("Code", 1), ("CodeReview", 1)]
    code += [(str(rng.choice(REVIEWS["code"][1:])), 1)] if rng.random() < 0.25 else []
    for iteration in range(2, 2 + int(rng.choice([0, 1, 2], p=[0.75, 0.19, 0.06]))):
        code += [("Code", iteration), ("CodeReview", iteration)]
    tests = [("Test", 1)] + ([("Test", 2)] if rng.random() < 0.15 else [])
    return design + code + tests + ([("Postmortem", 1)] if status == "completed" else [])


def execution_measures(role: str, model: str, volume: float, rng: Rng) -> dict[str, float]:
    """Draw what one execution consumed; `volume` is how much more than the role's usual amount there is to do."""
    usual, price = ROLES.get(role, SPECIALIST), PRICES[model]
    volume *= WORLD.runaway_factor if rng.random() < WORLD.runaway_share else 1.0
    tokens_in = round(usual.tokens_in * volume * noise(rng, WORLD.execution_log_sd))
    tokens_out = round(tokens_in * usual.out_share * noise(rng, 0.3))
    missed = round(tokens_in * min(0.6, WORLD.cache_miss_share * noise(rng, 0.7)))
    written = round(missed * rng.uniform(0.5, 0.8)) if price.cache_write else 0
    read, fresh = tokens_in - missed, missed - written
    usd = fresh * price.fresh + read * price.cache_read + written * price.cache_write + tokens_out * price.out
    calls = max(1, round(tokens_in / 45_000 * noise(rng, 0.25)))
    measures = {"latency_ms": round(calls * 6_500 * noise(rng, 0.35) + tokens_out * 14)}
    measures |= {"tokens_in": tokens_in, "tokens_out": tokens_out, "tokens_cache_read": read}
    if price.cache_write:  # the other provider does not report it: unknown, not 0
        measures["tokens_cache_write"] = written
    measures |= {"cost_usd": round(usd / 1e6, 6), "tool_calls": max(1, round(calls * rng.uniform(0.8, 1.3)))}
    measures |= {"retries": int(rng.poisson(0.15))}
    if role in ("Code", "Test") and rng.random() < 0.3:
        measures["memory_mb"] = round(380 * noise(rng, 0.35), 1)
    return measures


def run_task(task: Row, now: datetime, rng: Rng) -> list[Row]:
    """Work on a task: fills in its instants, its true size and its costs, and gives one row per execution."""
    grown = round(task["estimated_size"] * 1.04 * noise(rng, WORLD.growth_log_sd))
    task |= {"started_at": instant(now), "actual_size": int(np.clip(grown, 5, 120))}
    nastiness = (task["actual_size"] / WORLD.median_size) ** WORLD.size_exponent * noise(rng, WORLD.task_log_sd)
    executions = []
    for role, iteration in steps(task["status"], rng):
        model = ROLES.get(role, SPECIALIST).models[int(rng.random() < 0.15)]
        is_new = now >= WORLD.first_day + timedelta(days=WORLD.prompt_change_day)
        volume = nastiness * (WORLD.prompt_saving if is_new else 1.0) * (0.5 if iteration > 1 else 1.0)
        measures = execution_measures(role, model, volume, rng)
        now += timedelta(milliseconds=measures["latency_ms"])
        known = {name: value for name, value in measures.items() if rng.random() >= WORLD.unknown_share}
        executions.append(
            {"executed_at": now, "task_id": task["task_id"], "project_id": task["project_id"], "agent_role": role}
            | {"agent_version": "1.1.0" if is_new else "1.0.0", "agent_iteration": iteration}
            | {"llm_model": model, "llm_provider": PRICES[model].provider}
            | {name: known.get(name) for name in MEASURES}
            | {"metadata_json": {"price_list": "2025-10-06"} if "cost_usd" in known else None}
        )
        now = working_time(now + timedelta(minutes=5 + rng.exponential(50)))  # a person looks at it, or sleeps
    if task["status"] != "in_progress":
        task["completed_at"] = instant(executions[-1]["executed_at"] + timedelta(minutes=5))
    task |= sum_up(executions)
    return executions


def sum_up(executions: list[Row]) -> Row:
    """Sum what is known of a task's executions; tokens are those in and out."""
    latency_ms, tokens_in, tokens_out, usd = (
        sum(row[name] or 0 for row in executions) for name in ("latency_ms", "tokens_in", "tokens_out", "cost_usd")
    )
    tokens, usd = tokens_in + tokens_out, round(usd, 6)
    return {"reported_latency_ms": latency_ms, "reported_tokens": tokens, "reported_cost_usd": usd}


# --- defects ----------------------------------------------------------------------------------------------------------


class DefectMaker:
    """Draws the defects of a task; remembers how many escapes and refuted findings are due."""

    def __init__(self, rng: Rng) -> None:
        self.rng = rng
        self.due: dict[str, Quota] = defaultdict(Quota)

    def of_task(self, task: Row, executions: list[Row]) -> list[Row]:
        """Give the defects of a finished task, refuted findings included."""
        bad = WORLD.bad_factor if task["components_json"][0].endswith(WORLD.bad_component) else 1.0
        count = round(self.rng.gamma(9, WORLD.defects_per_size * bad * task["actual_size"] / 9))
        started, outcomes = executions[0]["executed_at"], []
        for _ in range(count):
            stage = "design" if self.rng.random() < 0.42 else "code"
            if self.due[f"{stage}_escaped"].take(curve(f"{stage}_escaped", started)):
                outcomes.append((stage, "escaped"))
                continue
            confirmed_share = curve(f"{stage}_confirmed", started)
            refuted = self.due[f"{stage}_refuted"].take(1 / confirmed_share - 1)
            outcomes += [(stage, "confirmed"), *[(stage, "refuted")] * refuted]
        found_at = {execution["agent_role"]: execution["executed_at"] for execution in executions}
        return [self.defect(task, stage, outcome, found_at) for stage, outcome in outcomes]

    def removed_in(self, stage: str, outcome: str, phases: list[str]) -> str:
        """Choose the phase that found a defect among those that the task went through."""
        main, *specialists = REVIEWS[stage]
        weights = {main: 0.6, **dict.fromkeys(specialists, 0.4)}
        if outcome == "escaped":
            weights = {"Code": 0.2 if stage == "design" else 0.0, "Test": 0.65, "Postmortem": 0.15}
        odds = np.array([weights.get(phase, 0.0) for phase in phases])
        return phases[self.rng.choice(len(phases), p=odds / odds.sum())]

    def defect(self, task: Row, stage: str, outcome: str, found_at: dict[str, datetime]) -> Row:
        """Write one defect down; a refuted one costs only the look at it."""
        rng, is_code, is_refuted = self.rng, stage == "code", outcome == "refuted"
        texts = rows_of(DEFECT_TEXTS, stage)
        odds = np.array([float(weight) for _, weight, *_ in texts])
        kind, _, description, cause = texts[rng.choice(len(texts), p=odds / odds.sum())]
        removed = self.removed_in(stage, outcome, list(found_at))
        found = found_at[removed] + timedelta(seconds=int(rng.integers(20, 280)))
        component = task["components_json"][0 if rng.random() < 0.75 else -1]
        function = str(rng.choice(FUNCTIONS[component]))
        severity = [0.05, 0.25, 0.45, 0.25] if kind.startswith("5_") else [0.28, 0.45, 0.22, 0.05]
        effort = self.effort(0.15 if is_refuted else EFFORT.get(removed, 2.2 if is_code else 1.0))
        resolution = "No defect: the requirement asks for this" if is_refuted else str(rng.choice(RESOLUTIONS))
        injected = "Planning" if kind == "1_Planning_Failure" else "Design"
        return (
            {"found_at": instant(found), "fixed_at": instant(found + timedelta(hours=rng.exponential(3)))}
            | {"task_id": task["task_id"], "project_id": task["project_id"], "user_id": str(rng.choice(PEOPLE))}
            | {"defect_type": kind, "severity": str(rng.choice(["Low", "Medium", "High", "Critical"], p=severity))}
            | {"phase_injected": "Code" if is_code else injected, "phase_removed": removed}
            | {"component_path": component, "function_name": function}
            | {"line_number": int(rng.integers(12, 640)) if is_code else None, **effort}
            | {"description": description.format(function), "root_cause": None if is_refuted else cause}
            | {"resolution_notes": resolution, "is_flagged_by_agent": outcome != "escaped"}
            | {"is_validated_by_human": not is_refuted, "is_false_positive": is_refuted}
        )

    def effort(self, factor: float) -> Row:
        """Give what a correction took: about 15,000 tokens and a minute for a defect found in a design review."""
        tokens = round(15_000 * factor * noise(self.rng, 0.6))
        usd, latency_ms = round(tokens * 4e-6 * noise(self.rng, 0.2), 6), round(tokens * 4.0 * noise(self.rng, 0.3))
        retries = int(self.rng.poisson(0.3))
        return {"fix_latency_ms": latency_ms, "fix_tokens": tokens, "fix_cost_usd": usd, "fix_retries": retries}


# --- how far each capability has learned ------------------------------------------------------------------------------


class Past(NamedTuple):
    """What was known at one instant: completed tasks, executions and defects, each in time order."""

    now: datetime
    tasks: list[Row]
    executions: list[Row]
    defects: list[Row]


class Reading(NamedTuple):
    """What is measured of a capability at one instant: cases, metric, other metrics, and which rules are satisfied."""

    count: int
    value: float | None
    secondary: Row
    is_shadow_ready: bool
    is_autonomous_ready: bool


def share(flags: list[bool], at_least: int = 1) -> float | None:
    """Give the share of true ones, unknown where there are too few."""
    return round(sum(flags) / len(flags), 4) if len(flags) >= at_least else None


def read_probe(past: Past, rng: Rng) -> Reading:
    """PROBE_AI: MAPE of the last 10 cost estimates in percent, and R2 of cost on estimated size."""
    guess, cost = (np.array([task[f"{kind}_cost_usd"] for task in past.tasks]) for kind in ("estimated", "reported"))
    if len(cost) < 3:
        return Reading(len(cost), None, {}, False, False)
    mape = round(float(np.mean(np.abs(guess / cost - 1)[-10:]) * 100), 1)
    r2 = round(float(np.corrcoef([task["estimated_size"] for task in past.tasks], cost)[0, 1] ** 2), 3)
    is_ready = len(cost) >= 20 or (len(cost) >= 10 and r2 > 0.7)
    return Reading(len(cost), mape, {"r2": r2}, is_ready, len(cost) >= 20 and mape < 20)


def read_decomposition(past: Past, rng: Rng) -> Reading:
    """TaskDecomposition: share of the last plans that a person changed."""
    changed, recent = [bool(task["human_corrections_json"]) for task in past.tasks], past.tasks[-WORLD.window :]
    missing = sum(len((task["human_corrections_json"] or {}).get("missing_tasks", [])) for task in recent)
    units = sum(len(task["semantic_units_json"]) for task in recent)
    rate = share(changed[-WORLD.window :], at_least=3)
    is_shadow_ready = len(changed) >= 15 and not any(changed[-5:])
    secondary = {"completeness": round(units / max(units + missing, 1), 4)}
    is_ready = len(changed) >= 30 and rate < 0.10 and secondary["completeness"] > 0.90
    return Reading(len(changed), rate, secondary, is_shadow_ready, is_ready)


def read_error_prone(past: Past, rng: Rng) -> Reading:
    """ErrorProneDetection: how much lower the density became in the flagged components, in percent."""
    sizes, defects = Counter(), Counter()
    for task in past.tasks:
        sizes[task["components_json"][0]] += task["actual_size"]
        defects[task["components_json"][0]] += task["reported_defects"]
    density = {path: defects[path] / sizes[path] for path in sizes}
    middle = float(np.median(list(density.values())))
    flagged = sorted(path for path, value in density.items() if value > 2 * middle > 0)
    count, value = len(past.tasks), round(curve("density_drop_pct", past.now) + rng.normal(0, 0.8), 1)
    secondary = {"high_risk_components": flagged, "median_density": round(middle, 4)}
    return Reading(count, value if count >= 8 else None, secondary, count >= 30, count >= 30 and value >= 30)


def read_review(stage: str, past: Past, rng: Rng) -> Reading:
    """ReviewAgent_*: share of the last findings that a person confirmed, and of the last defects that escaped."""
    reviews = sum(execution["agent_role"] in REVIEWS[stage] for execution in past.executions)
    own = [defect for defect in past.defects if (defect["phase_injected"] == "Code") == (stage == "code")]
    found = [defect["is_validated_by_human"] for defect in own if defect["is_flagged_by_agent"]][-WORLD.window :]
    missed = [not defect["is_flagged_by_agent"] for defect in own if defect["is_validated_by_human"]][-WORLD.window :]
    rate, escape_rate = share(found, at_least=5), share(missed)
    if rate is None:
        return Reading(reviews, None, {}, reviews >= 20, False)
    secondary = {"false_positive_rate": round(1 - rate, 4), "escape_rate": escape_rate, "findings": len(found)}
    return Reading(reviews, rate, secondary, reviews >= 20, reviews >= 40 and rate > 0.80 and escape_rate < 0.05)


def read_prediction(past: Past, rng: Rng) -> Reading:
    """DefectTypePrediction: share of defects whose type was among the three predicted."""
    count, value = len(past.tasks), round(curve("top_3_hits", past.now) + rng.normal(0, 0.008), 3)
    types = {defect["defect_type"] for defect in past.defects if not defect["is_false_positive"]}
    return Reading(count, value if count >= 10 else None, {"types_seen": len(types)}, count >= 50, False)


class Capability(NamedTuple):
    """How a capability is measured: metric, target, cases needed for Shadow and for Autonomous, reading."""

    metric: str
    target: float
    needed: tuple[int, int]
    read: Callable[[Past, Rng], Reading]


CAPABILITIES = {
    "PROBE_AI": Capability("mape_pct", 20.0, (10, 20), read_probe),
    "TaskDecomposition": Capability("correction_rate", 0.10, (15, 30), read_decomposition),
    "ErrorProneDetection": Capability("density_reduction_pct", 30.0, (30, 30), read_error_prone),
    "ReviewAgent_Design": Capability("true_positive_rate", 0.80, (20, 40), partial(read_review, "design")),
    "ReviewAgent_Code": Capability("true_positive_rate", 0.80, (20, 40), partial(read_review, "code")),
    "DefectTypePrediction": Capability("top_3_accuracy", 0.60, (50, 50), read_prediction),
}


def next_mode(mode: str, reading: Reading, fall: float) -> tuple[str, str | None]:
    """Move a mode by the published rule and say why; `fall` is how far a review agent is below its best."""
    if mode == "Learning" and reading.is_shadow_ready:
        return "Shadow", f"Enters Shadow after {reading.count} cases"
    if mode == "Shadow" and reading.is_autonomous_ready:
        return "Autonomous", f"Earned autonomy after {reading.count} cases"
    if fall >= 0.0999:
        note = f"Degrading, {fall * 100:.0f} points below its best: a person checks every finding"
        return ("Shadow" if mode == "Autonomous" else mode), note
    return mode, "Too little data for the metric yet" if reading.value is None else None


def measure(name: str, pasts: list[Past], rng: Rng) -> list[Row]:
    """Measure one capability at each instant and move its mode."""
    what, mode, best, rows, start = CAPABILITIES[name], "Learning", 0.0, [], WORLD.first_day
    is_review = name.startswith("ReviewAgent")
    for past in pasts:
        reading = what.read(past, rng)
        best = max(best, reading.value or 0.0)
        mode, note = next_mode(mode, reading, best - reading.value if is_review and reading.value else 0.0)
        needed = what.needed[mode != "Learning"]
        rows.append(
            {"capability": name, "measured_at": instant(past.now), "period_start_at": instant(start)}
            | {"period_end_at": instant(past.now), "mode": mode, "tasks_completed": reading.count}
            | {"tasks_needed": needed, "metric_name": what.metric, "metric_value": reading.value}
            | {"metric_target": what.target, "is_graduated": reading.is_autonomous_ready, "notes": note}
            | {"secondary_metrics_json": reading.secondary}
            | {"metadata_json": {"counted": "reviews"} if is_review else None}
        )
        start = past.now
    return rows


def measure_all(tasks: list[Row], executions: list[Row], defects: list[Row], rng: Rng) -> list[Row]:
    """Measure every capability 18 times, every three or four days."""
    evenings = [WORLD.first_day + timedelta(days=round(n * (WORLD.days - 1) / 18), hours=18) for n in range(1, 19)]
    done = sorted((t for t in tasks if t["status"] == "completed"), key=lambda task: task["completed_at"])
    pasts = [
        Past(
            now,
            [task for task in done if task["completed_at"] <= instant(now)],
            [execution for execution in executions if execution["executed_at"] <= now],
            [defect for defect in defects if defect["found_at"] <= instant(now)],
        )
        for now in evenings
    ]
    return [row for name in CAPABILITIES for row in measure(name, pasts, rng)]


# --- the world and its file -------------------------------------------------------------------------------------------


def make_world() -> dict[str, list[Row]]:
    """Make the rows of the four tables, in the order in which they must be written."""
    rng = np.random.default_rng(WORLD.seed)
    tasks, executions, defects, maker, changed = [], [], [], DefectMaker(rng), Quota()
    for position, weekday in enumerate(np.sort(rng.integers(0, WORLD.days // 7 * 5, size=len(rows_of(TASKS))))):
        morning = timedelta(days=int(weekday // 5 * 7 + weekday % 5), hours=7, minutes=int(rng.integers(0, 180)))
        created = WORLD.first_day + morning
        task = make_task(position + 1, created, rng)
        tasks.append(task)
        if changed.take(curve("plan_corrected", created)):
            task["human_corrections_json"] = corrections(task["semantic_units_json"], rng)
        if position >= WORLD.finished + 2:
            continue
        finished = "failed" if position in WORLD.failed else "completed"
        task["status"] = finished if position < WORLD.finished else "in_progress"
        runs = run_task(task, working_time(created + timedelta(hours=rng.exponential(5))), rng)
        executions += runs
        defects += maker.of_task(task, runs) if task["completed_at"] else []
    finish(tasks, defects, rng)
    defects.sort(key=lambda defect: (defect["found_at"], defect["task_id"]))
    defects = [{"defect_id": f"D-{number:03d}"} | defect for number, defect in enumerate(defects, start=1)]
    measured = measure_all(tasks, executions, defects, rng)
    set_phases(tasks, [row for row in measured if row["capability"] == "TaskDecomposition"], rng)
    executions.sort(key=lambda execution: (execution["executed_at"], execution["task_id"]))
    executions = [
        {"execution_id": f"EX-{number:06d}"}
        | execution
        | {"executed_at": instant(execution["executed_at"])}
        | whose(execution)
        for number, execution in enumerate(executions, start=1)
    ]
    people = [dict(zip(("person", "from_day", "until_day", "team", "cost_center"), row, strict=True)) for row in TEAMS]
    rows = {"task_metadata": tasks, "agent_cost_vector": executions, "people": people}
    return rows | {"defect_log": defects, "bootstrap_metrics": measured}


def whose(execution: Row) -> Row:
    """Say whose task it was, by its number, and on which machine the agent ran."""
    person = PEOPLE[int(execution["task_id"][-3:]) % len(PEOPLE)]
    machine = SHARED_MACHINE if execution["agent_role"] == SHARED_ROLE else MACHINES[person]
    return {"user_id": person, "machine": machine}


def finish(tasks: list[Row], defects: list[Row], rng: Rng) -> None:
    """Fill in what is only known when everything has happened: defect counts, and the usual cost behind estimates."""
    done = [task for task in tasks if task["completed_at"]]
    counts = Counter(defect["task_id"] for defect in defects if not defect["is_false_positive"])
    for task in done:
        count = counts[task["task_id"]]
        task |= {"reported_defects": count, "reported_defect_density": round(count / task["actual_size"], 4)}
    usual = {name: float(np.median([task[f"reported_{name}"] for task in done])) for name in TOTALS}
    for task in tasks:
        task |= estimate_cost(task, usual, rng)
        task["actual_size"] = task["actual_size"] if task["completed_at"] else None


def set_phases(tasks: list[Row], measured: list[Row], rng: Rng) -> None:
    """Give each task the mode that planning had when the task was created; a person looks at fewer plans later."""
    reviewed = {"Learning": 1.0, "Shadow": 0.85, "Autonomous": 0.35}
    for task in tasks:
        modes = [row["mode"] for row in measured if row["measured_at"] <= task["created_at"]]
        mode = modes[-1] if modes else "Learning"
        is_read = bool(rng.random() < reviewed[mode]) or task["human_corrections_json"] is not None
        task |= {"bootstrap_phase": mode, "is_human_reviewed": is_read}


def sqlite_literal(value: Any) -> str:
    """Write a value as SQLite takes it."""
    if value is None:
        return "NULL"
    if isinstance(value, dict | list):
        value = json.dumps(value, separators=(",", ":"))
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(int(value)) if isinstance(value, bool) else repr(value)


def postgres_literal(value: Any) -> str:
    """Write a value as PostgreSQL takes it: booleans have a type of their own."""
    return str(value).upper() if isinstance(value, bool) else sqlite_literal(value)


Literal = Callable[[Any], str]
"""Writes a value in one engine's SQL."""

HEADINGS = {
    "task_metadata": "The tasks. reported_* sum what is known of the executions; refuted findings are not counted.",
    "agent_cost_vector": "What each execution consumed, one row per execution. What nobody recorded is NULL.",
    "people": "Who was in which team from when until when; one of them moved in the middle of a month.",
    "defect_log": "What went wrong, where it came in and where it was found; refuted findings of agents included.",
    "bootstrap_metrics": "How far each capability has learned, every three or four days.",
}
TITLE = """-- Ten weeks of an invented ferry line's booking software: for a first look, for tests and for teaching.
-- Made by make_sample_data.py, which says how and why; change that file, not this one.
"""


def sql_text(tables: dict[str, list[Row]], literal: Literal = sqlite_literal, rows_per_statement: int = 200) -> str:
    """Write the rows as INSERT statements that a person can read; no ids that the store gives itself."""
    parts = [TITLE]
    for table, rows in tables.items():
        parts.append(f"-- {HEADINGS[table]}")
        for start in range(0, len(rows), rows_per_statement):
            values = (", ".join(map(literal, row.values())) for row in rows[start : start + rows_per_statement])
            parts.append(f"INSERT INTO {table} ({', '.join(rows[0])})\nVALUES\n(" + "),\n(".join(values) + ");\n")
    return "\n".join(parts)


if __name__ == "__main__":
    world = make_world()
    for file, literal in ((SQLITE_FILE, sqlite_literal), (POSTGRES_FILE, postgres_literal)):
        file.write_text(sql_text(world, literal), encoding="utf-8", newline="\n")
