"""The page behind an invitation's link in headless Chromium, as wide as a phone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI
from playwright.async_api import Page, ViewportSize, async_playwright, expect

from tests.api.callers import PASSWORD, Caller
from tests.api.conftest import Outbox
from tests.api.serving import CHROMIUM, served

_PHONE: ViewportSize = {"width": 360, "height": 740}
_LONG_WORD = "W" * 90

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("engine"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
]


@asynccontextmanager
async def phone(elsewhere: list[str]) -> AsyncIterator[Page]:
    """A browser on a phone; ``elsewhere`` gets what it asks for beside pages of ours."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(viewport=_PHONE, java_script_enabled=False)
        page.on(
            "request",
            lambda asked: None if "/invitations/" in asked.url else elsewhere.append(asked.url),
        )
        yield page
        await browser.close()


async def invited(installer: Caller, outbox: Outbox) -> tuple[str, str]:
    """A project with an invitation, and where its page is."""
    project = await installer.project()
    await installer.charge_point(project)
    body = {"email": "facilities@riversidebp.com", "message": f"Ready for you. {_LONG_WORD}"}
    answer = await installer.post(f"/projects/{project}/invite-site-owner", body)
    assert answer.status_code == 201, answer.text
    return project, f"/invitations/{outbox.token()}"


async def test_an_owner_accepts_and_the_next_time_logs_in(
    app: FastAPI, installer: Caller, outbox: Outbox
) -> None:
    elsewhere: list[str] = []
    async with served(app) as url, phone(elsewhere) as page:
        for label, said in (("Password (at least", "Choose a password"), ("Password of", "Log in")):
            project, path = await invited(installer, outbox)
            await page.goto(f"{url}{path}")
            await expect(page.get_by_role("heading", level=1)).to_have_text(
                "Riverside Business Park"
            )
            await expect(page.get_by_text(said)).to_be_visible()
            # Nothing is wider than the screen.
            main = await page.locator("main").bounding_box()
            form = await page.locator("form").first.bounding_box()
            assert main is not None
            assert form is not None
            assert form["x"] + form["width"] <= main["x"] + main["width"] <= _PHONE["width"]
            await page.get_by_label(label).fill(PASSWORD)
            await page.get_by_role("button", name="Accept the invitation").click()
            await expect(page.get_by_role("heading", name="Welcome to Riverside")).to_be_visible()
            shown = (await installer.get(f"/projects/{project}")).json()
            assert shown["site_owner_accepted"] is True
            await page.goto(f"{url}{path}")
            await expect(page.get_by_role("heading", name="Accepted already")).to_be_visible()
    assert [url for url in elsewhere if not url.endswith("/favicon.ico")] == []


async def test_what_is_wrong_stands_where_it_is_seen(
    app: FastAPI, installer: Caller, outbox: Outbox
) -> None:
    async with served(app) as url, phone([]) as page:
        _, path = await invited(installer, outbox)
        await page.goto(f"{url}{path}")
        await page.get_by_label("Your name").fill("Robin")
        password = page.get_by_label("Password (at least")
        await password.evaluate("field => field.removeAttribute('minlength')")
        await password.fill("short")
        await page.get_by_role("button", name="Accept the invitation").click()
        await expect(page.locator("#password-wrong")).to_be_in_viewport()
        await expect(page.get_by_label("Your name")).to_have_value("Robin")
        await expect(password).to_be_focused()
        await expect(password).to_have_accessible_description(
            "The password must have at least 10 characters."
        )


async def test_no_word_of_the_mail_is_wider_than_a_phone(installer: Caller, outbox: Outbox) -> None:
    async with phone([]) as page:
        await invited(installer, outbox)
        await page.set_content(outbox.html)
        card = await page.locator("table table").first.bounding_box()
        assert card is not None
        assert card["x"] + card["width"] <= _PHONE["width"]


async def test_an_owner_declines_with_a_reason(
    app: FastAPI, installer: Caller, outbox: Outbox
) -> None:
    async with served(app) as url, phone([]) as page:
        project, path = await invited(installer, outbox)
        await page.goto(f"{url}{path}")
        await page.get_by_text("I do not want it").click()
        await page.get_by_label("Reason").fill("We have sold the site.")
        await page.get_by_role("button", name="Decline the invitation").click()
        await expect(page.get_by_role("heading", name="You have declined")).to_be_visible()
    (shown,) = (await installer.get(f"/projects/{project}/invitations")).json()["items"]
    assert (shown["status"], shown["reason"]) == ("declined", "We have sold the site.")
