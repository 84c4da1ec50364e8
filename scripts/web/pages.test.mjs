// The pages as a person meets them: a real browser, the real service, a repository of code and a hostile one. `scripts/test-web.sh` starts
// all of it and says where it is: KOTADB_URL, KOTADB_KEY, CODE and HOSTILE (names of repositories), SHOTS (a folder), NODE_FOLDER.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

const { KOTADB_URL: url, KOTADB_KEY: key, CODE, HOSTILE, SHOTS, NODE_FOLDER } = process.env;
const require = createRequire(`${NODE_FOLDER}/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const figures = {};
let browser;
let session;
const ids = {};

const api = async (path, options = {}) => {
  const answer = await fetch(url + path, { ...options, headers: { authorization: `Bearer ${key}`, "content-type": "application/json" } });
  return answer.status === 204 ? {} : answer.json();
};

// A context that fails by itself on whatever a page must not do.
const faults = [];
const open = async (options = {}) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, storageState: session, ...options });
  context.setDefaultTimeout(10_000);
  context.on("page", (page) => {
    page.on("dialog", (dialog) => {
      faults.push(`a dialog on ${page.url()}: ${dialog.message()}`);
      dialog.dismiss();
    });
    page.on("pageerror", (error) => faults.push(`an error on ${page.url()}: ${error}`));
    page.on("console", (line) => {
      if (line.type() === "error" && !/status of (4\d\d|5\d\d)/.test(line.text())) faults.push(`${page.url()}: ${line.text()}`);
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(url) && !request.url().startsWith("data:")) faults.push(`a request to ${request.url()}`);
    });
  });
  return context;
};
const visit = async (path, options) => {
  const page = await (await open(options)).newPage();
  await page.goto(url + path);
  return page;
};
const shot = (page, name) => page.screenshot({ path: `${SHOTS}/${name}.png`, fullPage: false });

const file = (id, path) => `/repositories/${id}/files/${path}`;
const pages = () => ({
  home: "/",
  results: "/search?q=Segment+lang%3Arust",
  nothing: "/search?q=Nowhere_to_be_found+lang%3Arust",
  fault: "/search?q=a+%28b",
  symbols: "/search?q=Segment&kind=symbols",
  repositories: "/repositories",
  repository: `/repositories/${ids.code}`,
  tree: file(ids.code, ""),
  file: file(ids.code, "core/src/segment/reader.rs"),
  symbol: `/repositories/${ids.code}/symbol?symbol=core/src/segment/reader.rs%23Segment.decode_frame`,
  account: "/account",
  keys: "/account/keys",
  members: "/account/members",
  connect: "/connect",
  docs: "/docs",
  query: "/docs/query",
  missing: "/repositories/0190b0a0-0000-7000-8000-000000000001",
});

before(async () => {
  const args = process.getuid() === 0 ? ["--no-sandbox"] : [];
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args });
  for (const one of (await api("/api/v1/repositories")).items) {
    if (one.name === CODE) ids.code = one.id;
    if (one.name === HOSTILE) Object.assign(ids, { hostile: one.id, hostileUrl: one.url });
  }
  const context = await open();
  const page = await context.newPage();
  await page.goto(url);
  await shot(page, "landing");
  await page.getByRole("link", { name: "Sign in" }).first().click();
  await page.getByLabel("API key").fill("kdb_live_nonsense");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").filter({ hasText: "not valid" }).waitFor();
  await shot(page, "sign-in");
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Sign out" }).waitFor();
  session = await context.storageState();
  await context.close();
});

after(async () => {
  await browser?.close();
  console.log(`figures: ${JSON.stringify(figures)}`);
  assert.deepEqual(faults, []);
});

test("a session ends where its person ends it", async () => {
  const page = await visit("/", { storageState: undefined });
  await page.getByRole("link", { name: "Sign in" }).first().click();
  await page.getByLabel("API key").fill(key);
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("link", { name: "Sign in" }).first().waitFor();
  await page.goto(`${url}/repositories`);
  assert.match(page.url(), /\/sign-in\?next=%2Frepositories$/);
  assert.equal((await page.context().cookies()).filter((cookie) => cookie.value !== "" && !cookie.httpOnly).length, 0);
});

test("keys lead from a query to a file, its permalink, and other files", async () => {
  const page = await visit("/repositories");
  await page.keyboard.press("/");
  await page.keyboard.type("decode_frame");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/search\?q=decode_frame/);
  await shot(page, "results");
  const before = await page.locator(".counts strong").textContent();
  await page.getByRole("complementary", { name: "Filters" }).getByRole("link", { name: /^rust/ }).click();
  await page.waitForURL(/lang%3Arust/);
  assert.match(before, /\d/);
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  const focused = await page.evaluate(() => document.activeElement.className);
  assert.match(focused, /\bgo\b/);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/files\/.*#L\d+$/);
  await page.locator(".source .chosen").first().waitFor();
  await page.keyboard.press("y");
  await page.waitForURL(/at=[0-9a-f]{40}#L\d+$/);
  await shot(page, "file");
  await page.keyboard.press("t");
  await page.waitForURL(/\/files\/(\?|$)/);
  await page.keyboard.press("t");
  await page.keyboard.type("reader.rs");
  await page.keyboard.press("Enter");
  await page.waitForURL(/find=reader.rs/);
  await page.locator(".tree a", { hasText: "core/src/segment/reader.rs" }).click();
  await page.locator(".source .line").first().waitFor();
});

test("lines are chosen by their numbers, the second with shift", async () => {
  const page = await visit(pages().file);
  await page.locator("#L4 .n").click();
  await page.locator("#L9 .n").click({ modifiers: ["Shift"] });
  assert.match(page.url(), /#L4-L9$/);
  assert.equal(await page.locator(".source .chosen").count(), 6);
});

test("a name leads to its symbol, to its callers, and to what a change may break", async () => {
  const page = await visit(pages().file);
  await page.locator(".source .hf", { hasText: /^decode_frame$/ }).first().click();
  await page.waitForURL(/\/symbol\?.*symbol=decode_frame/);
  await page.goto(url + pages().file);
  await page.locator(".outline li", { hasText: "decode_frame" }).getByRole("link", { name: /^uses/ }).first().click();
  await page.waitForURL(/\/symbol\?symbol=/);
  await page.goto(url + pages().symbol);
  await page.getByRole("heading", { name: "Callers", exact: true }).waitFor();
  assert.match(await page.locator("main").textContent(), /Confirmed|Likely|Possible/);
  await page.locator("svg.graph rect").nth(1).waitFor();
  await shot(page, "symbol");
  await page.locator("svg.graph").scrollIntoViewIfNeeded();
  await shot(page, "impact");
  await page.locator("svg.graph a").nth(1).click();
  await page.getByRole("heading", { name: "Impact of a change" }).waitFor();
});

test("a repository is registered, and its job seen to its end", async () => {
  await api(`/api/v1/repositories/${ids.hostile}`, { method: "DELETE" });
  const page = await visit("/repositories");
  await page.getByLabel("Register").fill("ftp://nowhere");
  await page.getByRole("button", { name: "Register" }).click();
  await page.getByRole("alert").waitFor();
  await page.getByLabel("Register").fill(ids.hostileUrl);
  await page.getByRole("button", { name: "Register" }).click();
  await page.waitForURL(/\/repositories\/[0-9a-f-]{36}$/);
  ids.hostile = page.url().split("/").pop();
  await shot(page, "job");
  await page.locator(".jobs .badge.good", { hasText: "done" }).waitFor({ timeout: 60_000 });
  await page.getByRole("heading", { name: /Languages/ }).waitFor();
  await page.getByRole("button", { name: "Index now" }).click();
  await page.locator("[data-live]").waitFor();
  await page.locator("#jobs:not([data-live])").waitFor({ timeout: 60_000 });
});

test("what a hostile repository holds is text on every page", async () => {
  const page = await visit(`/repositories/${ids.hostile}`);
  const links = new Set([`/repositories/${ids.hostile}`, "/", "/repositories", "/search?q=needle", "/search?q=needle&kind=symbols", "/search?q=%3Cscript%3E"]);
  const folders = [file(ids.hostile, "")];
  for (const folder of folders) {
    await page.goto(url + folder);
    links.add(folder);
    for (const link of await page.locator(".tree a").evaluateAll((all) => all.map((one) => one.getAttribute("href")))) {
      if (/%2F$|\/(\?|$)/.test(link)) folders.push(link);
      else links.add(link);
    }
  }
  assert.ok(links.size > 14, `${links.size} pages`);
  for (const link of links) {
    const answer = await page.goto(url + link);
    assert.ok(answer.status() < 400, `${answer.status()} ${link}`);
    const inert = await page.evaluate(() => ({
      made: document.querySelectorAll("main img, main iframe, main script, main svg[onload], [onmouseover], [onerror], a[href^='javascript:']").length,
      hidden: /[\u202a-\u202e\u2066-\u2069\u200b\u00ad\u001b\u0007]/.test(document.documentElement.outerHTML),
    }));
    assert.deepEqual(inert, { made: 0, hidden: false }, link);
    if (await page.locator(".source code").count()) {
      for (const line of await page.locator(".outline .uses").evaluateAll((all) => all.map((one) => one.getAttribute("href")))) {
        const shown = await page.goto(url + line);
        assert.ok(shown.status() < 400, `${shown.status()} ${line}`);
      }
    }
  }
  await page.goto(`${url}/search?q=needle`);
  await shot(page, "hostile");
  assert.ok((await page.locator(".odd").count()) > 2);
  assert.deepEqual(faults, []);
});

test("every page is accessible, dark and light, and fits into 360 pixels", async () => {
  for (const colorScheme of ["light", "dark"]) {
    for (const [name, path] of Object.entries(pages())) {
      const page = await visit(path, { viewport: { width: 360, height: 740 }, colorScheme });
      const width = await page.evaluate(() => document.scrollingElement.scrollWidth);
      assert.ok(width <= 360, `${name}: ${width} px wide`);
      if (colorScheme === "dark" || ["results", "file"].includes(name)) await shot(page, `${name}-360-${colorScheme}`);
      for (const size of [360, 1280]) {
        await page.setViewportSize({ width: size, height: 800 });
        await page.evaluate(axe).catch(() => page.addScriptTag({ content: axe }));
        const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
        const grave = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
        const told = grave.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => `${node.html} ${node.failureSummary}`).join(" | ")}`);
        assert.deepEqual(told, [], `${name} ${colorScheme} ${size}`);
      }
      if (colorScheme === "dark" && ["file", "results", "symbol"].includes(name)) await shot(page, `${name}-dark`);
      await page.context().close();
    }
  }
});

test("the tab key goes through a page from its top, and shows where it is", async () => {
  const page = await visit("/repositories");
  const stops = [];
  for (let n = 0; n < 9; n++) {
    await page.keyboard.press("Tab");
    stops.push(
      await page.evaluate(() => {
        const now = document.activeElement;
        const box = now.getBoundingClientRect();
        const name = now.getAttribute("aria-label") ?? (now.textContent || now.name);
        return { name: name.trim(), shown: getComputedStyle(now).outlineStyle !== "none" && box.width > 0 && box.left >= 0 };
      }),
    );
  }
  assert.deepEqual(stops.slice(0, 4).map((stop) => stop.name), ["Skip to content", "KotaDB", "Search code", "Search"]);
  assert.deepEqual(stops.filter((stop) => !stop.shown), []);
});

test("all of it can be read without a script", async () => {
  const page = await visit("/", { javaScriptEnabled: false, storageState: undefined });
  await page.getByRole("link", { name: "Sign in" }).first().click();
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("searchbox").fill("decode_frame");
  await page.getByRole("button", { name: "Search" }).click();
  await page.locator(".card .path").first().click();
  assert.ok((await page.locator(".source .line").count()) > 10);
  await page.locator(".outline .uses").first().click();
  await page.getByRole("heading", { level: 1 }).waitFor();
});

test("a results page is light, quick, and stands still", async () => {
  const page = await visit("/search?q=decode_frame");
  const sizes = await page.evaluate(() => {
    const results = document.querySelector(".files").outerHTML.length;
    const html = document.documentElement.outerHTML.length - results;
    const files = performance.getEntriesByType("resource").reduce((sum, one) => sum + one.decodedBodySize, 0);
    return { html, files };
  });
  figures.bytes = sizes.html + sizes.files;
  assert.ok(figures.bytes <= 150_000, JSON.stringify(sizes));
  figures.overhead_ms = Infinity;
  for (let n = 0; n < 5; n++) {
    const answer = await page.goto(`${url}/search?q=decode_frame`);
    const times = [...(await answer.headerValue("server-timing")).matchAll(/dur=([\d.]+)/g)].map((found) => Number(found[1]));
    figures.overhead_ms = Math.min(figures.overhead_ms, times[1] - times[0]);
  }
  assert.ok(figures.overhead_ms <= 10, `${figures.overhead_ms} ms beside the search`);
  for (const path of [pages().results, pages().file, pages().repository]) {
    await page.goto(url + path);
    await page.waitForTimeout(300);
    const shift = await page.evaluate(
      () =>
        new Promise((done) => {
          let sum = 0;
          new PerformanceObserver((list) => list.getEntries().forEach((one) => (sum += one.value))).observe({ type: "layout-shift", buffered: true });
          setTimeout(() => done(sum), 100);
        }),
    );
    assert.equal(shift, 0, path);
  }
});
