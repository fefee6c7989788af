"""A history of code is read as it was planted: flows, sizes, what was undone, mended, touched again."""

import os
import subprocess

import pytest

from asp_analysis.errors import InputError
from asp_analysis.importers.git.git_log import Commit, parse_log
from asp_analysis.importers.git.messages import agents_of, is_fix, pull_request, reverted, task_type
from asp_analysis.importers.git.paths import is_code, is_foreign_name
from asp_analysis.importers.git.repository import Repository
from asp_analysis.importers.git.repository_history import read_history
from asp_analysis.importers.git.reverts import WHOLE
from asp_analysis.sql import view_text
from tests.planted_repository import DAY, Planted, plant


def title(change):
    return change.subject.partition(" (#")[0]


@pytest.fixture(scope="module", params=[pytest.param((60, 1)), pytest.param((200, 2), marks=pytest.mark.slow)], ids=str)
def planted(request, tmp_path_factory):
    changes, seed = request.param
    return plant(tmp_path_factory.mktemp("planted") / "shop", changes=changes, seed=seed)


@pytest.fixture(scope="module")
def history(planted):
    return read_history(Repository(planted.path))


def by_title(history):
    return {title(change): change for change in reversed(history.changes)}


def test_flows_and_sizes_are_those_that_were_planted(planted, history):
    found = by_title(history)
    assert {name: found[name].flow for name in planted.truth.flows} == planted.truth.flows
    assert {name: found[name].size for name in planted.truth.sizes} == planted.truth.sizes


def test_a_change_of_a_lock_file_alone_has_no_size_and_says_how_many_lines_were_left_out(history):
    locks = [change for change in history.changes if change.subject == "build: newer packages"]
    assert {(change.size, bool(change.foreign_lines)) for change in locks} <= {(0, True)}


def test_whole_reverts_are_found_and_nothing_else(planted, history):
    whole = {
        title(history.changes[one.of]): title(history.changes[one.by])
        for one in history.reverts.values()
        if (one.share or 1) >= 0.9
    }
    assert whole == planted.truth.reverted


def test_partial_reverts_are_found_with_the_share_that_was_undone(planted, history):
    partly = {title(history.changes[one.of]): one.share for one in history.reverts.values() if (one.share or 1) < 0.9}
    assert set(partly) == set(planted.truth.partly)
    assert all(0.2 < share < 0.6 for share in partly.values())


def test_fixes_name_the_change_that_they_mend(planted, history):
    mends = {
        title(history.changes[fix.change]): title(history.changes[next(iter(fix.blamed))])
        for fix in history.fixes
        if fix.blamed and not fix.is_revert
    }
    assert mends == planted.truth.mends


def test_a_change_that_is_younger_than_the_report_did_not_bring_the_defect_in(repository):
    """Two changes wrote the lines that a fix takes away; the issue was reported between them."""
    repository.edit(3)
    repository.commit("feat: first part")
    reported = repository.now + DAY
    repository.pass_time(3)
    mine = next(f"src/{name}.py" for name in ("api", "store", "web", "jobs")
                if any("change_1_" in line for line in repository.lines(f"src/{name}.py")))  # fmt: skip
    held = repository.lines(mine)
    repository.write(mine, [*held, *[f"def later_{number}(x): return x * {number}" for number in range(9)]])
    repository.commit("feat: second part")
    repository.pass_time(1)
    repository.write(
        mine, [line for line in repository.lines(mine) if "change_1_" not in line and "later_" not in line]
    )
    repository.commit("fix: both parts\n\nFixes #7")
    unknown, known = (read_history(Repository(repository.path), told) for told in ({}, {7: reported}))
    assert len(unknown.fixes[-1].blamed) == 2 and unknown.fixes[-1].reported_at is None
    assert [title(known.changes[number]) for number in known.fixes[-1].blamed] == ["feat: first part"]
    assert known.fixes[-1].blamed.popitem()[1] == 1 and known.fixes[-1].reported_at == reported


def test_changes_that_were_mended_soon_were_touched_again(planted, history):
    found = by_title(history)
    for name in planted.truth.reworked:
        assert history.traces[found[name].number].lost[90] >= 1
    untouched = (
        set(planted.truth.flows) - planted.truth.reworked - set(planted.truth.reverted) - set(planted.truth.partly)
    )
    assert untouched and all(not history.traces[found[name].number].lost for name in untouched)


def test_lines_belong_to_whom_git_blame_names(planted, history, tmp_path):
    """Every line, as `git blame --first-parent -w` says, which knows no moves between places."""
    from asp_analysis.importers.git.patch_log import PatchLog
    from asp_analysis.importers.git.paths import Paths
    from asp_analysis.importers.git.replay import HistoryReplay

    repository = Repository(planted.path)
    replay = HistoryReplay(history.merged, Paths(repository), set())
    replay.run(PatchLog(repository).read([commit.hash for change in history.merged for commit in change.delivering]))
    of_hash = {commit.hash: change.number for change in history.merged for commit in change.delivering}
    for path in ("src/api.py", "src/jobs.py", "src/web.py"):
        text = planted.git("blame", "--first-parent", "-w", "--line-porcelain", "main", "--", path)
        said = [of_hash[line.split()[0]] for line in text.splitlines() if len(line.split()[0]) == 40]
        assert replay.owners.of(path) == said


# --- single cases -----------------------------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path):
    return Planted(tmp_path / "shop")


def only(found):
    (one,) = found
    return one


def test_an_exact_undoing_that_says_nothing_is_a_revert_by_its_lines(repository):
    name = repository.feature("commit")
    held = {path: repository.lines(path) for path in repository.git("ls-files", "src").split()}
    repository.git("checkout", "-q", "HEAD~1", "--", "src")
    repository.commit("simplify")
    history = read_history(Repository(repository.path))
    revert = only(history.reverts.values())
    assert (history.changes[revert.of].subject, revert.evidence, revert.share) == (name, "lines", 1.0)
    assert held


def test_what_was_brought_back_is_not_reverted(repository):
    before = repository.tip()
    name = repository.feature("commit")
    repository.revert(name, before, repository.tip())
    repository.pass_time(1)
    repository.git("revert", "--no-edit", "HEAD")
    history = read_history(Repository(repository.path))
    assert name not in {title(history.changes[one.of]) for one in history.reverts.values()}


def test_a_correction_is_no_revert(repository):
    repository.feature("squash")
    repository.mend(f"feat: part {repository.count} of the planted work", f"change_{repository.count}_2(")
    assert read_history(Repository(repository.path)).reverts == {}


def test_a_message_that_speaks_of_reverting_and_undoes_nothing_is_no_revert(repository):
    repository.feature("commit")
    named = repository.tip()
    repository.edit()
    repository.commit(f"feat: more\n\nUnlike what was planned, nothing here reverts commit {named}.")
    assert read_history(Repository(repository.path)).reverts == {}


def test_numbers_and_titles_without_bound_and_times_out_of_range_are_kept_within_it(repository):
    repository.edit()
    repository.commit(f"Orders {'x' * 2_000}\n\nFixes #{'9' * 40} (#{'9' * 40})", at=0, authored=99_999_999_999)
    repository.commit(f"Empty (#{'9' * 30})", at=200_000_000_000)
    *_, orders, empty = read_history(Repository(repository.path)).changes
    assert orders.pull_request is empty.pull_request is None and orders.issues == []
    assert len(orders.subject) == 500 and orders.started_at <= orders.completed_at


def test_a_squash_without_a_number_has_the_branch_that_was_left(repository):
    repository.git("checkout", "-q", "-b", "topic/orders")
    repository.edit()
    repository.commit("one")
    repository.pass_time(0.1)
    repository.edit()
    repository.commit("two")
    repository.git("checkout", "-q", "main")
    repository.pass_time(1)
    repository.git("merge", "-q", "--squash", "topic/orders")
    repository.commit("Orders")
    change = read_history(Repository(repository.path)).changes[-1]
    assert (change.flow, change.branch, len(change.commits), change.subject) == ("squash", "topic/orders", 2, "Orders")


def test_branches_are_open_or_abandoned_by_the_clock_of_the_repository(repository):
    for name in ("old", "new"):
        repository.git("checkout", "-q", "-b", name, "main")
        repository.edit()
        repository.commit(f"begin {name}")
        repository.git("checkout", "-q", "main")
        repository.pass_time(40 if name == "old" else 2)
    repository.feature("commit")
    history = read_history(Repository(repository.path))
    found = {change.branch: history.outcomes[change.number] for change in history.changes if change.flow == "branch"}
    assert found == {"old": "abandoned", "new": "open"}


def test_a_commit_from_the_future_makes_nothing_old(repository):
    repository.feature("commit")
    repository.git("checkout", "-q", "-b", "topic")
    repository.edit()
    repository.commit("begin")
    repository.git("checkout", "-q", "main")
    repository.commit("feat: a clock that is wrong", at=99_999_999_999)
    history = read_history(Repository(repository.path))
    assert history.last_at <= repository.now and history.outcomes[history.changes[-1].number] == "open"


def test_a_pick_to_another_branch_is_no_work_of_its_own(repository):
    repository.git("branch", "release/1", "main")
    name = repository.feature("commit")
    picked = repository.tip()
    repository.git("checkout", "-q", "release/1")
    repository.git("cherry-pick", "-x", picked)
    repository.git("checkout", "-q", "main")
    history = read_history(Repository(repository.path))
    assert [change.flow for change in history.changes] == ["commit", "commit"]
    assert history.picks == {1: ["release/1"]} and title(history.changes[1]) == name


def test_the_first_tag_that_holds_a_change_is_its_release(repository):
    repository.feature("commit")
    repository.git("tag", "-a", "v1", "-m", "one")
    repository.feature("merge")
    repository.pass_time(1)
    repository.git("tag", "v2")
    history = read_history(Repository(repository.path))
    assert [history.releases[change.number].name for change in history.changes] == ["v1", "v1", "v2"]


def test_reformatting_and_moving_keep_who_wrote_a_line(repository):
    name = repository.feature("commit")
    marker = f"change_{repository.count}_"
    for path in repository.git("ls-files", "src").split():
        own = [line for line in repository.lines(path) if marker in line]
        if own:
            rest = [line for line in repository.lines(path) if marker not in line]
            repository.pass_time(0.5)
            repository.write(path, [f"    {line}" for line in rest] + own)
            repository.commit("style: indent and move")
            repository.pass_time(0.5)
            repository.write(path, [line.replace("x + ", "x - ") for line in repository.lines(path)])
            repository.commit("fix: wrong sum")
    history = read_history(Repository(repository.path))
    assert {title(history.changes[number]) for number in only(history.fixes).blamed} == {name}


def test_commits_that_only_reformat_are_passed_over_where_they_are_listed(repository):
    name = repository.feature("commit")
    marker = f"change_{repository.count}_"
    path = next(path for path in repository.git("ls-files", "src").split() if marker in str(repository.lines(path)))
    repository.write(path, [line.replace("return x + ", "return (x) + ") for line in repository.lines(path)])
    reformatted = repository.commit("style: reformat")
    repository.pass_time(0.5)
    repository.write(".git-blame-ignore-revs", [f"{reformatted} # formatter"])
    repository.write(path, [line.replace("(x) + ", "(x) - ") for line in repository.lines(path)])
    repository.commit("fix: wrong sum")
    history = read_history(Repository(repository.path))
    assert {title(history.changes[number]) for number in only(history.fixes).blamed} == {name}


def test_attributes_say_what_was_generated(repository):
    repository.write(".gitattributes", ["src/api.py linguist-generated", "go.sum -linguist-generated=true"])
    repository.write("src/api.py", ["all new"])
    repository.commit("build: generate")
    change = read_history(Repository(repository.path)).changes[-1]
    assert change.size == 2 and change.foreign_lines == 61


def test_a_shallow_clone_is_read_as_far_as_it_goes(repository, tmp_path):
    for _ in range(5):
        repository.feature("commit")
    repository.git("clone", "-q", "--depth", "3", f"file://{repository.path}", str(tmp_path / "shallow"))
    found = Repository(tmp_path / "shallow")
    assert found.is_shallow and len(read_history(found).changes) == 3


def test_what_is_not_in_the_clone_is_left_out_and_told(repository, tmp_path):
    repository.write("large.txt", [str(number) for number in range(9_000)])
    repository.edit()
    repository.commit("feat: large")
    repository.feature("commit")
    clone = tmp_path / "partial"
    repository.git("config", "uploadpack.allowFilter", "true")
    repository.git("clone", "-q", "--bare", "--filter=blob:limit=20k", f"file://{repository.path}", str(clone))
    history = read_history(Repository(clone))
    assert {path for _, path in history.unread} == {"large.txt"}
    assert [change.size for change in history.changes[1:]] == [6, 6]


def test_odd_names_and_contents_are_read(repository):
    for name in ('with "quotes" and\ttab', "new\nline", "ümläut", " b/space ", "-dash", "a b/a b"):
        repository.write(f"odd/{name}.py", ["x = 1"])
    (repository.path / "odd" / "binary.bin").write_bytes(bytes(range(256)))
    (repository.path / "odd" / "no_newline.py").write_bytes(b"a\nb")
    (repository.path / "odd" / "carriage.py").write_bytes(b"a\r\n\x01b\r\n@@ -1 +1 @@\r\n")
    repository.commit("feat: odd\n\n\x01 not a header\ndiff --git a/x b/x\n")
    repository.write("odd/no_newline.py", ["a", "b", "c"])
    repository.commit("feat: more\n\n@@ -1 +1 @@")
    first, second = read_history(Repository(repository.path)).changes[-2:]
    assert first.size == 6 + 2 + 3 and len(first.files) == 9
    assert second.size == 3


def test_nothing_that_a_repository_sets_is_run(repository, tmp_path):
    proof = tmp_path / "proof"
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch {proof}\ncat\n")
    script.chmod(0o755)
    for name in (
        "core.fsmonitor",
        "diff.external",
        "core.pager",
        "diff.odd.textconv",
        "diff.odd.command",
        "gpg.program",
    ):
        repository.git("config", name, str(script))
    repository.git("config", "log.showSignature", "true")
    repository.git("config", "core.hooksPath", str(tmp_path))
    repository.write(".gitattributes", ["*.py diff=odd"])
    repository.git("-c", "core.fsmonitor=false", "add", "-A")
    repository.git("-c", "core.fsmonitor=false", "-c", "core.hooksPath=", "commit", "-q", "-m", "feat: attributes")
    proof.unlink(missing_ok=True)
    assert read_history(Repository(repository.path)).changes[-1].size == 1
    assert not proof.exists()


def test_settings_of_the_user_do_not_change_what_is_read(repository, tmp_path, monkeypatch):
    repository.feature("merge")
    plain = [change.size for change in read_history(Repository(repository.path)).changes]
    settings = tmp_path / "gitconfig"
    settings.write_text(
        "[diff]\nnoprefix = true\nrenames = copies\ncontext = 9\n[color]\nui = always\n[log]\ndate = relative\n"
        "decorate = full\n[core]\nquotePath = false\n[diff]\nwordRegex = .\nalgorithm = patience\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".gitconfig").write_text(settings.read_text())
    assert [change.size for change in read_history(Repository(repository.path)).changes] == plain


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.joinpath("file").write_text("x"), "is in no git repository"),
        (lambda path: subprocess.run(["git", "init", "-q", path], check=True), "has no commits yet"),
        (lambda path: path.rmdir(), "is no folder"),
    ],
)
def test_what_is_no_repository_is_refused(tmp_path, make, said):
    folder = tmp_path / "folder"
    folder.mkdir()
    make(folder)
    with pytest.raises(InputError, match=said):
        Repository(folder)


def test_without_git_it_is_said(repository, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="no program git"):
        Repository(repository.path)


def commit(message, **more):
    known = {
        "author_name": "Ada",
        "author": "ada@example.org",
        "authored_at": DAY,
        "committer": "",
        "committed_at": DAY,
    }
    return Commit(hash="0" * 40, parents=["1"], message=message, **{**known, **more})


@pytest.mark.parametrize(
    ("message", "number"),
    [
        ("Orders (#12)", 12),
        ('Revert "Orders (#12)" (#15)', 15),
        ("Merged PR 7: Orders", 7),
        ("Merge branch 'orders' into 'main'\n\nOrders\n\nSee merge request shop/shop!31", 31),
        ("Merged in orders (pull request #4)", 4),
        ("Orders, refs #12", None),
        ("Orders (#12) and more", None),
    ],
)
def test_the_number_of_a_pull_request_is_where_forges_write_it(message, number):
    assert pull_request(commit(message)) == number


@pytest.mark.parametrize(
    ("subject", "branch", "kind", "mends"),
    [
        ("fix(api): wrong total", None, "fix", True),
        ("fix: typo in the readme", None, "fix", False),
        ("fix(ci): red build", None, "fix", False),
        ("Fix crash on empty store", None, None, True),
        ("Fixed-width columns", None, None, True),
        ("Prefix names", None, None, False),
        ("Totals", "fix/totals", "fix", True),
        ("feat!: new totals", "fix/totals", "feature", False),
        ("docs: fix the guide", None, "docs", False),
    ],
)
def test_types_and_fixes_are_those_of_the_conventions(subject, branch, kind, mends):
    assert task_type(subject, branch) == kind
    assert is_fix(subject, branch, subject) is mends


@pytest.mark.parametrize(
    ("message", "more", "agents"),
    [
        ("x\n\nCo-Authored-By: Claude Opus 4.6 <noreply@anthropic.com>", {}, {"Claude Code"}),
        ("x\n\nGenerated with [Claude Code](https://claude.com/claude-code)", {}, {"Claude Code"}),
        (
            "x",
            {"author_name": "copilot-swe-agent[bot]", "author": "1+Copilot@users.noreply.github.com"},
            {"GitHub Copilot"},
        ),
        ("x\n\nCo-authored-by: Cursor Agent <cursoragent@cursor.com>", {}, {"Cursor"}),
        ("x\n\nCo-authored-by: aider (gpt-5) <aider@aider.chat>", {}, {"Aider"}),
        ("x", {"author_name": "renovate[bot]"}, {"renovate[bot]"}),
        ("x\n\nCo-authored-by: Claudia Codexter <claudia@example.org>", {}, set()),
        ("the claude of codex", {}, set()),
    ],
)
def test_agents_are_those_that_trailers_and_bots_name(message, more, agents):
    assert agents_of(commit(message, **more)) == agents


def test_python_and_the_view_agree_on_what_was_reverted_wholly():
    assert f">= {WHOLE} THEN 'reverted'" in view_text("marts", "changes")


def test_what_a_message_says_it_reverts():
    assert reverted("This reverts commit 0123456789abcdef0123456789abcdef01234567.")[0] == [
        "0123456789abcdef0123456789abcdef01234567"
    ]
    assert reverted("Reverts shop/shop#12")[1] == [12]
    assert reverted('Revert "Orders"')[2] == ["Orders"]
    assert reverted("This is irreversible commit abcdef1234") == ([], [], [])


@pytest.mark.parametrize(
    ("path", "foreign", "code"),
    [
        ("src/app.py", False, True),
        ("tests/test_app.py", False, False),
        ("src/app.test.ts", False, False),
        ("docs/guide.md", False, False),
        ("web/yarn.lock", True, False),
        ("vendor/lib/x.go", True, True),
        ("api/service.pb.go", True, True),
        ("dist/app.min.js", True, True),
        ("latest/app.py", False, True),
    ],
)
def test_names_of_files_say_what_they_are(path, foreign, code):
    assert (is_foreign_name(path), is_code(path)) == (foreign, code)


def test_a_log_that_is_cut_off_ends_without_an_error():
    header = b"\x01" + b"\x00".join([b"a" * 40, b"", b"n", b"e", b"1", b"e", b"1", b"m", b""]) + b"\n"
    patch = b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n-a\n-b\n+c\n"
    whole = header + patch
    for end in range(len(whole)):
        list(parse_log(iter(whole[:end].splitlines(keepends=True))))
    assert os.linesep
