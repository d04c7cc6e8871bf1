"""The story of a fraud as the operator sees it: warned, blocked, asked about, released; by mouse and by keyboard."""

from __future__ import annotations

import re
import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from tests.acceptance.guardproc import Guard, wait_for
from tests.acceptance.switchclient import SwitchClient
from tests.page.conftest import PATIENCE_MS, shoot

pytestmark = [pytest.mark.broker, pytest.mark.browser, pytest.mark.slow]

SERIOUS = {"serious", "critical"}


def open_account(switch: SwitchClient, guard: Guard, account: str, limit: str) -> None:
    message = {"type": "account", "id": f"open-{account}", "account": account, "name": "Maple Dental Clinic"}
    switch.bill({**message, "currency": "CAD", "timezone": "America/Toronto", "credit": {"limit": limit}})
    wait_for(lambda: guard.request("GET", f"/api/v1/accounts/{account}")[0] == 200, "the account", guard.log_tail)


def dial(switch: SwitchClient, account: str, call: str, rate: str) -> None:
    switch.report(call, "answered", account, to="+25290123456", at=time.time(), charge="0.00", rate=rate)


def accessible(page: Page) -> list[str]:
    """What a screen reader's or a keyboard's user would stumble over, by axe's rules."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['help']}" for each in found if each["impact"] in SERIOUS]


def test_by_mouse_from_the_warning_to_the_release(
    page: Page, guard: Guard, switch: SwitchClient, request: pytest.FixtureRequest
) -> None:
    scheme = request.node.callspec.params["context"]
    account = f"mouse-{scheme}"
    open_account(switch, guard, account, "2.00")
    page.goto("/")
    expect(page.get_by_role("heading", name="At risk")).to_be_visible()

    dial(switch, account, f"call-{account}", "30.00")
    # Nobody loads the page again: the row comes by itself, first on its way to the limit and then blocked.
    row = page.get_by_role("row").filter(has_text=account)
    expect(row.get_by_text("blocked")).to_be_visible()
    shoot(page, f"1-blocked-{scheme}")
    assert accessible(page) == []

    row.get_by_role("link", name=account).click()
    reason = page.get_by_role("region", name="blocked")
    expect(reason).to_contain_text("has reached the limit of 2.00 CAD")
    expect(page.get_by_role("img", name=re.compile("Exposure over time"))).to_be_visible()
    expect(page.locator(".history")).to_contain_text("80 %")
    shoot(page, f"2-account-{scheme}")
    assert accessible(page) == []

    # At its limit it is not released for good: the page says so, and keeps what was typed.
    page.get_by_text("Release", exact=True).first.click()
    form = page.locator("form[action$='/release']")
    form.get_by_label("Your name").fill("Ana")
    form.get_by_label("Reason").fill("customer called, it was him")
    form.get_by_role("button", name="Release").click()
    expect(page.get_by_role("alert")).to_contain_text("still at its credit limit")
    form = page.locator("form[action$='/release']")
    expect(form.get_by_label("Reason")).to_have_value("customer called, it was him")
    form.get_by_label(re.compile("Until")).fill("2099-01-01T12:00")
    shoot(page, f"3-refused-{scheme}")
    form.get_by_role("button", name="Release").click()

    expect(page.get_by_role("status")).to_have_text("Released.")
    expect(page.locator(".sentence")).to_contain_text("An operator allows it until 2099-01-01 12:00:00 EST")
    expect(page.locator(".history")).to_contain_text("by Ana")
    shoot(page, f"4-released-{scheme}")
    wait_for(lambda: switch.commands(account, "unblock"), "the switch is told", guard.log_tail)
    switch.report(f"call-{account}", "ended", account, at=time.time(), duration_ms=9_000, charge="2.40")


def test_by_keyboard_alone(context: BrowserContext, page: Page, guard: Guard, switch: SwitchClient) -> None:
    del context
    account = "keys"
    open_account(switch, guard, account, "500.00")
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    page.get_by_label("Find an account").focus()
    page.keyboard.type("key")
    page.keyboard.press("Enter")
    page.get_by_role("link", name=account).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(account)

    page.locator("summary", has_text=re.compile("^Block$")).focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Which calls")).to_be_focused()
    page.keyboard.type("premium")
    for _ in range(15):  # the parts of a date are a stop each
        if page.evaluate("document.activeElement.name") == "by":
            break
        page.keyboard.press("Tab")
    page.keyboard.type("Ben")
    page.keyboard.press("Tab")
    page.keyboard.type("asked for it")
    # The page keeps itself up to date meanwhile: focus and text stay where they are.
    before = page.get_by_text(re.compile("^As of")).count()
    with page.expect_response(lambda response: response.url.endswith(f"/accounts/{account}")):
        pass
    assert page.evaluate("document.activeElement.value") == "asked for it"
    assert before == page.get_by_text(re.compile("^As of")).count()
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("Blocked.")
    expect(page.get_by_role("heading", level=2).first).to_contain_text("premium")
    status, _ = guard.request("POST", f"/api/v1/accounts/{account}/release", {"by": "Ben", "reason": "done"})
    assert status == 200


def test_everything_can_be_read_without_scripts(context: BrowserContext, guard: Guard, switch: SwitchClient) -> None:
    open_account(switch, guard, "plain", "100.00")
    browser = context.browser
    assert browser is not None
    plain = browser.new_context(base_url=guard.url, java_script_enabled=False)
    page = plain.new_page()
    for path, heading in (
        ("/", "At risk"),
        ("/accounts", "Accounts"),
        ("/accounts/plain", "plain"),
        ("/accounts/plain/statement", "Statement"),
        ("/held", "Held blocks"),
        ("/decisions", "Decisions"),
        ("/rules", "Rules"),
        ("/model", "Anomaly model"),
        ("/switches", "Switches"),
        ("/history", "History"),
        ("/webhooks", "Webhooks"),
    ):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200
        expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
    page.goto("/accounts/plain")
    page.locator("summary", has_text=re.compile("^Block$")).click()
    form = page.locator("form[action$='/block']")
    form.get_by_label("Your name").fill("Cleo")
    form.get_by_label("Reason").fill("no scripts here")
    form.get_by_role("button").click()
    expect(page.get_by_role("status")).to_contain_text("Blocked.")
    plain.close()


PAGES = ("/accounts", "/rules", "/model", "/decisions", "/switches", "/held", "/history", "/webhooks")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_fits_a_phone_and_stumbles_nobody(page: Page, path: str) -> None:
    page.goto(path)
    assert accessible(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_held_blocks_are_judged_together_by_keyboard(
    page: Page, guard: Guard, switch: SwitchClient, request: pytest.FixtureRequest
) -> None:
    """The fuse lets one block through; two more wait, are picked with the space bar, and are called a false alarm."""
    scheme = request.node.callspec.params["context"]
    victims = [f"fuse-{scheme}-{number}" for number in range(3)]
    for account in victims:
        open_account(switch, guard, account, "500.00")
        switch.report(
            f"c-{account}", "ended", account, to="+25290123456", at=time.time(), duration_ms=60_000, charge="9"
        )
    wait_for(lambda: len(guard.request("GET", "/api/v1/held")[1]["held"]) == 2, "two that wait", guard.log_tail)
    page.goto("/held")
    expect(page.get_by_text("The fuse is open")).to_be_visible()
    boxes = page.get_by_role("checkbox", name=re.compile(f"Pick fuse-{scheme}"))
    expect(boxes).to_have_count(2)
    for number in range(2):
        boxes.nth(number).focus()
        page.keyboard.press("Space")
    shoot(page, f"6-held-{scheme}")
    assert accessible(page) == []
    judging = page.locator("form[action='/held']")
    judging.get_by_label("Your name").focus()
    page.keyboard.type("Dora")
    page.keyboard.press("Tab")
    page.keyboard.type("a wrong rule")
    judging.get_by_role("button", name=re.compile("Reject")).focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("Rejected")
    expect(boxes).to_have_count(0)
    page.goto(f"/accounts/{victims[1]}")
    expect(page.locator(".history")).to_contain_text("rejected by Dora: a wrong rule")
    closing = {"by": "Dora", "reason": "seen"}
    assert guard.request("POST", "/api/v1/fuse/close", closing)[0] == 200


def test_a_closed_account_is_forgotten(
    page: Page, guard: Guard, switch: SwitchClient, request: pytest.FixtureRequest
) -> None:
    account = f"gone-{request.node.callspec.params['context']}"
    open_account(switch, guard, account, "10.00")
    switch.bill({"type": "close", "id": f"close-{account}", "account": account})
    wait_for(lambda: guard.account(account)["state"] == "closed", "the account is closed", guard.log_tail)
    page.goto(f"/accounts/{account}")
    page.locator("summary", has_text=re.compile("^Forget$")).click()
    form = page.locator("form[action$='/forget']")
    form.get_by_label(re.compile("^To confirm")).fill(account)
    form.get_by_label("Your name").fill("Ana")
    form.get_by_label("Reason").fill("asked us to")
    assert accessible(page) == []
    form.get_by_role("button").click()
    expect(page.get_by_role("status")).to_contain_text("Forgotten")
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("Maple Dental Clinic")


def test_a_page_that_is_no_longer_true_says_so(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/")
    expect(page.locator("#lost")).to_be_hidden()
    page.context.set_offline(True)
    expect(page.locator("#lost")).to_be_visible(timeout=PATIENCE_MS)
    shoot(page, "5-lost")
    page.context.set_offline(False)
    expect(page.locator("#lost")).to_be_hidden(timeout=PATIENCE_MS)
