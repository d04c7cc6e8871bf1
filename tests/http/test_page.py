"""The plain page: who is at risk first, why in a sentence, and nothing of what others wrote becomes markup."""

from __future__ import annotations

import re
from dataclasses import replace

import httpx
import pytest

from guard.adapters.http.page.words import sentence
from guard.core.decisions import Action, Mode, Reason
from guard.core.money import Micros
from guard.core.settings import MINUTE_MS
from guard.core.views import AccountState
from tests.http.desk import (
    BLOCK,
    BLOCKED,
    CALL,
    NOW_MS,
    SWITCH,
    VIEW,
    PaperDesk,
    PaperStore,
    decision,
    held_block,
    line,
)

EVIL = "<script>alert('x')</script>\"&"


async def test_accounts_at_risk_come_first(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    """Those that can still be helped, by the part of the limit that is used; then blocked ones; the calm not at all."""
    desk.know(
        replace(VIEW, account="calm", reaches_limit_at_ms=None),
        replace(
            VIEW,
            account="half",
            state=AccountState.WARNED,
            exposure_micros=Micros(260_000_000),
            reaches_limit_at_ms=None,
        ),
        replace(
            VIEW,
            account="near",
            state=AccountState.WARNED,
            exposure_micros=Micros(480_000_000),
            reaches_limit_at_ms=None,
        ),
        BLOCKED,
    )
    page = (await api.get("/")).text
    places = [page.find(f'href="/accounts/{account}"') for account in ("near", "half", "A1002")]
    assert places == sorted(places)
    assert min(places) > 0
    assert "calm" not in page
    assert "sw1" in page


async def test_accounts_are_found(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.know(replace(VIEW, account="B7", name=EVIL))
    page = (await api.get("/", params={"q": "<script>"})).text
    assert 'href="/accounts/B7"' in page
    assert "<script>" not in page


async def test_accounts_at_risk_come_a_page_at_a_time(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.views.clear()
    desk.know(*(replace(VIEW, account=f"A{n:02}", reaches_limit_at_ms=NOW_MS + n * 1_000) for n in range(30)))
    first, second = (await api.get("/")).text, (await api.get("/?page=2")).text
    assert 'href="/accounts/A24"' in first
    assert 'href="/accounts/A25"' not in first
    assert 'href="/?page=2"' in first
    assert 'href="/accounts/A24"' not in second
    assert 'href="/accounts/A29"' in second
    assert 'href="/?page=3"' not in second
    assert 'hx-get="/?page=2"' in second, "what is brought up to date is the page that is looked at"
    assert (await api.get("/?page=0")).status_code == (await api.get("/?page=41")).status_code == 422


async def test_the_account_that_was_blocked_last_comes_first(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    """On the first page as many as there is room for, behind it all, found by part of an id."""
    desk.views.clear()
    blocks = (replace(BLOCK, since_ms=NOW_MS - 1_000 * n) for n in range(30))
    desk.know(*(replace(BLOCKED, account=f"B{n:02}", block=block) for n, block in enumerate(blocks)))
    for path in ("/", "/accounts?state=blocked"):
        page = (await api.get(path)).text
        assert re.findall(r'href="/accounts/(B\d\d)"', page) == [f"B{n:02}" for n in range(25)]
    assert "All 30 blocked accounts" in (await api.get("/")).text
    following = re.search(r'rel="next" href="([^"]+)"', (await api.get("/accounts?state=blocked")).text)
    assert following
    rest = (await api.get(following.group(1).replace("&amp;", "&"))).text
    assert re.findall(r'href="/accounts/(B\d\d)"', rest) == [f"B{n:02}" for n in range(25, 30)]
    assert 'rel="next"' not in rest
    assert re.findall(r'href="/accounts/(B\d\d)"', (await api.get("/accounts?state=blocked&q=29")).text) == ["B29"]


async def test_what_has_cleared_does_not_push_out_what_was_blocked(store: PaperStore, api: httpx.AsyncClient) -> None:
    block = replace(decision(1), action=Action.BLOCK, text="Blocked: the limit was reached.")
    store.decided = [block, *(replace(decision(n), action=Action.CLEARED, text="Cleared.") for n in range(2, 30))]
    page = (await api.get("/")).text
    assert "Blocked: the limit was reached." in page
    assert "Cleared." not in page
    assert "Cleared." in (await api.get("/decisions")).text


async def test_the_page_says_what_is_missing(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.missing = "not subscribed at the broker"
    assert "Not ready: not subscribed at the broker" in (await api.get("/")).text


async def test_nothing_that_others_wrote_becomes_markup(
    desk: PaperDesk, store: PaperStore, api: httpx.AsyncClient
) -> None:
    block = replace(BLOCK, text=EVIL, causes=(replace(BLOCK.causes[0], text=EVIL, rule=EVIL, reason=Reason.RULE),))
    call = replace(CALL, to=EVIL, caller=EVIL)
    odd = replace(BLOCKED, account=EVIL, name=EVIL, currency=EVIL, block=block, live_calls=(call,))
    desk.know(odd)
    desk.known_switches = [replace(SWITCH, name=EVIL)]
    desk.held_blocks = [replace(held_block(1, EVIL), name=EVIL, rule=EVIL, text=EVIL)]
    store.decided = [replace(decision(1, EVIL), text=EVIL)]
    overview = await api.get("/")
    link = re.search(r'href="(/accounts/[^"]+)"', overview.text)
    assert link
    account = await api.get(link.group(1))
    assert (overview.status_code, account.status_code) == (200, 200)
    for page in (overview.text, account.text):
        assert "alert" in page
        assert "<script>" not in page
        assert "x')</" not in page


async def test_the_policy_allows_this_servers_files_and_nothing_inline(api: httpx.AsyncClient) -> None:
    answer = await api.get("/")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert re.findall(r"<script(?! src=\"/static/)", answer.text) == []
    assert "<style" not in answer.text
    assert re.findall(r"\sstyle=", answer.text) == []
    assert re.findall(r"\son[a-z]+=", answer.text) == []


async def test_what_the_page_uses_is_served_and_may_be_kept(api: httpx.AsyncClient) -> None:
    page = (await api.get("/")).text
    paths = re.findall(r'"(/static/[^"]+)"', page)
    assert len(paths) == 4
    for path in paths:
        answer = await api.get(path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    stale = await api.get(re.sub(r"/static/[0-9a-f]+/", "/static/0000/", paths[0]))
    assert stale.headers["cache-control"] == "no-cache"
    assert (await api.get("/static/0000/base.html")).status_code == 404


async def test_half_a_surrogate_pair_does_not_break_the_page(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.know(replace(VIEW, name="\ud800"))
    assert (await api.get("/accounts/A1001")).status_code == 200


async def test_the_page_of_nobody_is_404(api: httpx.AsyncClient) -> None:
    assert (await api.get("/accounts/nobody")).status_code == 404


def test_where_an_account_stands_is_a_sentence() -> None:
    assert sentence(VIEW) == "Not blocked: exposure is 12.14 CAD of a limit of 500.00 CAD."
    assert sentence(replace(VIEW, limit_micros=None)) == "Not blocked: exposure is 12.14 CAD, and there is no limit."
    assert sentence(replace(VIEW, state=AccountState.CLOSED)) == "Closed; exposure is 12.14 CAD."
    allowed = sentence(replace(VIEW, allow_until_ms=NOW_MS))
    assert allowed.endswith("An operator allows it until 2026-11-21 22:12:45 EST.")
    assert sentence(BLOCKED) == BLOCK.text
    unsure = replace(BLOCKED, block=replace(BLOCK, confirmed=False, effective=False))
    assert sentence(unsure).endswith("Not every switch has confirmed this. Calls go on in spite of it.")


async def test_a_switch_in_trouble_is_shown(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.known_switches = [replace(SWITCH, up=False, silence="calls_up", lagging=True, synced=False)]
    page = (await api.get("/")).text
    assert "down, silent although calls are up, behind, has not confirmed its list of blocks" in page


async def test_every_page_says_so_while_a_backlog_is_read(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    """Whoever looks must know that money is counted late."""
    assert "Behind:" not in (await api.get("/rules")).text
    desk.known_switches = [replace(SWITCH, name=f"sw{number}", lagging=number != 2) for number in range(1, 7)]
    for path in ("/", "/rules", "/accounts/A1001"):
        assert "Behind: reports of sw1, sw3, sw4 and 2 more are being read late." in (await api.get(path)).text


async def test_blocks_that_wait_for_an_operator_are_listed_with_why(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.held_blocks, desk.open = [held_block(1)], True
    assert "1 blocks wait for an operator" in (await api.get("/")).text
    page = (await api.get("/held")).text
    assert "The fuse is open" in page
    assert "same-number" in page
    assert "12 calls in 15 minutes to +25261*** (Somalia)" in page


async def test_of_a_closed_fuse_that_holds_nothing_the_page_says_nothing(api: httpx.AsyncClient) -> None:
    page = (await api.get("/")).text
    assert "fuse" not in page
    assert "wait for an operator" not in page


async def test_a_block_by_a_rule_names_it(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    cause = replace(BLOCK.causes[0], reason=Reason.RULE, rule="same-number", text="12 calls in 15 minutes.")
    desk.know(replace(BLOCKED, block=replace(BLOCK, causes=(cause,))))
    page = (await api.get("/accounts/A1002")).text
    assert "<strong>rule same-number</strong>, all calls, since" in page
    assert "12 calls in 15 minutes." in page


async def test_a_decision_in_shadow_does_not_look_as_if_it_had_acted(
    desk: PaperDesk, store: PaperStore, api: httpx.AsyncClient
) -> None:
    del desk
    store.decided = [decision(1), replace(decision(2), mode=Mode.SHADOW)]
    page = (await api.get("/accounts/A1001")).text
    assert page.count('<span class="what">warn</span>') == 1
    assert page.count('<span class="what">warn <span class="tag">shadow</span></span>') == 1


async def test_of_a_long_ledger_only_the_newest_lines_are_drawn(store: PaperStore, api: httpx.AsyncClient) -> None:
    """Nobody's page reads a million of them: the store is asked span by span, and left when it has too many."""
    store.chunk = 500
    store.lines = [replace(line(1), at_ms=NOW_MS - 86_400_000 + n * 8_000) for n in range(10_800)]
    assert "<svg" in (await api.get("/accounts/A1001")).text
    asked = [how for what, how in store.asked if what == "ledger"]
    assert asked == [
        ("A1001", NOW_MS - 10 * MINUTE_MS, None),
        ("A1001", NOW_MS - 360 * MINUTE_MS, NOW_MS - 10 * MINUTE_MS),
    ]
    assert store.chunks_closed == len(asked)


async def test_what_the_numbers_lack_is_said_on_every_page(desk: PaperDesk, api: httpx.AsyncClient) -> None:
    desk.lacking = ["3 of 256 partitions have no owner: 1, 2, 3."]
    for path in ("/", "/switches", "/accounts/A1001"):
        assert "3 of 256 partitions have no owner" in (await api.get(path)).text


@pytest.mark.parametrize("path", ["/decisions?before=x", "/history?after=x", "/decisions?before=1%202"])
async def test_a_page_that_begins_nowhere_is_refused(path: str, api: httpx.AsyncClient) -> None:
    answer = await api.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 422
    assert "must be the `next` of the page before" in answer.text
