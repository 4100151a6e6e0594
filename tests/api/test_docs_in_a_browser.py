"""The page of the API's own documentation in headless Chromium, under its policy."""

from base64 import b64encode
from hashlib import sha256

import pytest
from fastapi import FastAPI
from playwright.async_api import async_playwright, expect

from api.docs import policy_of
from tests.api.serving import CHROMIUM, served


def test_a_script_is_one_whatever_it_holds() -> None:
    script = "a = '<b>1</b>' && '&amp;'; // <!-- </p> -->"
    digest = b64encode(sha256(script.encode()).digest()).decode()
    policy = policy_of(f'<script src="/x.js"></script>\n<script>{script}</script><p>text</p>')
    assert f"script-src 'self' 'sha256-{digest}'; " in policy


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
async def test_the_page_works_under_its_policy(app: FastAPI) -> None:
    complaints: list[str] = []
    async with served(app) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page()
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        answer = await page.goto(f"{url}/docs")
        assert answer is not None
        policy = await answer.header_value("content-security-policy")
        assert policy is not None
        assert "default-src 'none'" in policy
        await expect(page.get_by_role("heading", name="Installer account")).to_be_visible()
        await page.locator("#operations-Health-getLiveness button").first.click()
        await page.get_by_role("button", name="Try it out").click()
        await page.get_by_role("button", name="Execute").click()
        await expect(page.get_by_text("Server response")).to_be_visible()
        # Neither a script nor a frame of others has a place there.
        await page.evaluate(
            """() => {
                const script = document.createElement("script");
                script.textContent = "window.injected = true";
                document.body.append(script);
            }"""
        )
        assert await page.evaluate("() => window.injected") is None
        await browser.close()
    assert [said for said in complaints if "inline script" not in said] == []
    assert len(complaints) == 1, "the script that was put in"
