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

// What axe-core finds grave on a page as it is now.
const sound = async (page, name) => {
  await page.evaluate(axe).catch(() => page.addScriptTag({ content: axe }));
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const grave = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
  const told = grave.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => `${node.html} ${node.failureSummary}`).join(" | ")}`);
  assert.deepEqual(told, [], name);
};
// How far things on a page have moved since it began to load.
const shift = (page) =>
  page.evaluate(
    () =>
      new Promise((done) => {
        let sum = 0;
        new PerformanceObserver((list) => list.getEntries().forEach((one) => (sum += one.value))).observe({ type: "layout-shift", buffered: true });
        setTimeout(() => done(sum), 100);
      }),
  );

const file = (id, path) => `/repositories/${id}/files/${path}`;
const pages = () => ({
  home: "/",
  results: "/search?q=Segment+lang%3Arust",
  nothing: "/search?q=Nowhere_to_be_found+lang%3Arust",
  fault: "/search?q=a+%28b",
  symbols: "/search?q=Segment&kind=symbols",
  named: "/search?q=code&kind=repositories",
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
  start: "/docs/start",
  query: "/docs/query",
  deploy: "/docs/deploy",
  operate: "/docs/operate",
  accuracy: "/docs/accuracy",
  benchmarks: "/docs/benchmarks",
  api: "/docs/api",
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
  const links = new Set([
    `/repositories/${ids.hostile}`,
    `/repositories/${ids.hostile}/jobs`,
    "/search?q=needle",
    "/search?q=needle&kind=symbols",
    "/search?q=needle+type:path",
    "/search?q=%3Cscript%3E",
    "/search?q=%3Cscript%3E&kind=repositories",
    "/search?q=a+%28%3Cscript%3E%E2%80%AE",
    "/suggest?q=needle",
    "/suggest?q=%28%3Cscript%3E%E2%80%AE",
    `/repositories/${ids.hostile}/symbol?symbol=needle`,
    `/repositories/${ids.hostile}/symbol?symbol=%3Cscript%3E`,
    ...Object.values(pages()),
  ]);
  // Those that are refused, and say why.
  const asked = new Set([pages().fault, pages().missing, "/search?q=a+%28%3Cscript%3E%E2%80%AE"]);
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
    assert.ok(answer.status() < 400 || asked.has(link), `${answer.status()} ${link}`);
    const inert = await page.evaluate(() => ({
      made: document.querySelectorAll("main img, main iframe, main script, main svg[onload], [onmouseover], [onerror], a[href^='javascript:']").length,
      hidden: /[\u202a-\u202e\u2066-\u2069\u200b\u00ad\u001b\u0007]/.test(document.documentElement.outerHTML),
    }));
    assert.deepEqual(inert, { made: 0, hidden: false }, link);
    if (await page.locator(".source code").count()) {
      const raw = await page.context().request.get(url + (await page.getByRole("link", { name: "Raw" }).getAttribute("href")));
      assert.equal(raw.headers()["content-type"], "text/plain; charset=utf-8", link);
      assert.match(raw.headers()["content-security-policy"], /sandbox/);
      const card = await page.context().request.get(`${url}${await page.locator(".source").getAttribute("data-hover")}?symbol=needle`);
      assert.doesNotMatch(await card.text(), /<(script|img|svg|iframe)|[\u202a-\u202e\u2066-\u2069\u200b\u001b]/, link);
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
      await shot(page, `${name}-360-${colorScheme}`);
      for (const size of [360, 1280]) {
        await page.setViewportSize({ width: size, height: 800 });
        await sound(page, `${name} ${colorScheme} ${size}`);
      }
      await shot(page, `${name}-${colorScheme}`);
      await page.context().close();
    }
  }
});

test("the tab key goes through each page as it is read, and shows where it is", async () => {
  for (const width of [360, 1280]) {
    for (const [name, path] of Object.entries(pages())) {
      const page = await visit(path, { viewport: { width, height: 800 } });
      // Some pages put the cursor further down at once.
      await page.evaluate(() => document.querySelector("body > :first-child").focus());
      await page.keyboard.press("Shift+Tab");
      const stops = [];
      for (let n = 0; n < 14; n++) {
        await page.keyboard.press("Tab");
        const stop = await page.evaluate(() => {
          const now = document.activeElement;
          // Behind its end a page begins anew.
          if (now === document.body || now.dataset.seen) return null;
          now.dataset.seen = "yes";
          const box = now.getBoundingClientRect();
          const name = now.getAttribute("aria-label") ?? (now.textContent || now.name);
          const shown = getComputedStyle(now).outlineStyle !== "none" && box.width > 0 && box.left >= 0 && box.left < innerWidth;
          return { name: name.trim(), shown, top: box.top + scrollY, bottom: box.bottom + scrollY, left: box.left };
        });
        if (!stop) break;
        stops.push(stop);
      }
      const where = `${name} ${width}`;
      assert.deepEqual(stops.filter((stop) => !stop.shown), [], where);
      if (name === "api") continue;
      const first = ["Skip to content", "KotaDB", "Search code", "Search", "Repositories", "MCP", "Account", "Docs", "Keys and queries", "Sign out"];
      assert.deepEqual(stops.slice(0, 10).map((stop) => stop.name.replace(/^\?/, "")), first, where);
      // Nothing stands wholly above what comes before it, unless it begins a column.
      const back = stops.slice(2).filter((stop, n) => stop.bottom <= stops[n + 1].top && stop.left <= stops[n + 1].left);
      assert.deepEqual(back, [], where);
      await page.context().close();
    }
  }
});

test("the box says how a query may go on, what is wrong with it, and what was asked before", async () => {
  const page = await visit("/repositories");
  const box = page.getByRole("combobox", { name: "Search code" });
  await page.keyboard.press("/");
  await page.keyboard.type("decode_frame lang:ru");
  await page.getByRole("option", { name: "lang:rust" }).waitFor();
  await sound(page, "suggestions");
  await shot(page, "suggestions");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  assert.match(await box.inputValue(), /^decode_frame lang:ru\w* $/);
  await page.keyboard.press("Escape");
  await box.fill("foo (bar");
  await page.locator(".fault-line").waitFor();
  await shot(page, "fault-line");
  await box.fill("decode_fra");
  await page.getByRole("option", { name: /decode_frame/ }).first().click();
  await page.waitForURL(/\/symbol\?symbol=/);
  await page.getByRole("combobox", { name: "Search code" }).fill("an earlier query");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/search\?q=an\+earlier/);
  await page.goto(`${url}/`);
  await page.keyboard.press("ArrowDown");
  await page.getByRole("option", { name: "an earlier query" }).click();
  await page.waitForURL(/\/search\?q=an\+earlier/);
  const own = await visit("/", { storageState: undefined });
  await own.evaluate(() => localStorage.setItem("kotadb-queries", '["secret"]'));
  await own.getByRole("link", { name: "Sign in" }).first().click();
  await own.getByLabel("API key").fill(key);
  await own.keyboard.press("Enter");
  await own.getByRole("button", { name: "Sign out" }).click();
  await own.getByRole("link", { name: "Sign in" }).first().waitFor();
  assert.equal(await own.evaluate(() => localStorage.getItem("kotadb-queries")), null);
});

test("a question mark shows the keys, with examples to click on", async () => {
  const page = await visit(pages().results);
  await page.keyboard.press("?");
  await page.locator("#help[open]").waitFor();
  await sound(page, "help");
  await shot(page, "help");
  await page.keyboard.press("j");
  await page.keyboard.press("Escape");
  await page.locator("#help:not([open])").waitFor({ state: "attached" });
  await page.getByRole("link", { name: "Keys and queries" }).click();
  await page.locator("#help .examples a").first().click();
  await page.waitForURL(/\/search\?q=TODO/);
});

test("further lines of a result are shown and hidden by keys, and arrows move, too", async () => {
  const page = await visit(pages().results);
  const more = page.locator(".card:has(details)").first();
  await more.locator(".path").focus();
  await page.keyboard.press("l");
  await more.locator("details[open]").waitFor();
  await page.keyboard.press("h");
  await more.locator("details:not([open])").waitFor();
  const before = await page.evaluate(() => document.activeElement.textContent);
  await page.keyboard.press("ArrowDown");
  assert.notEqual(await page.evaluate(() => document.activeElement.textContent), before);
  await page.getByRole("link", { name: /^Whole words/ }).click();
  await page.waitForURL(/q=%2F%5CbSegment%5Cb%2F\+lang%3Arust/);
});

test("a name in a file says what it is where the pointer rests, and a number leads to its line", async () => {
  const page = await visit(pages().file);
  const name = page.locator(".source .hf", { hasText: /^decode_frame$/ }).first();
  await name.scrollIntoViewIfNeeded();
  await name.hover();
  await page.locator("#card .signature", { hasText: "decode_frame" }).first().waitFor();
  await sound(page, "card");
  await shot(page, "card");
  await page.locator("#card").getByRole("link", { name: "Who uses it" }).first().click();
  await page.getByRole("heading", { name: "Callers", exact: true }).waitFor();
  await page.goto(url + pages().file);
  await page.keyboard.press("l");
  await page.keyboard.type("40");
  await page.keyboard.press("Enter");
  await page.locator("#L40.chosen").waitFor();
  await page.getByText("Ask this from a program").click();
  assert.match(await page.locator("#curl").textContent(), /^curl -G .*path=core\/src\/segment\/reader.rs'$/);
  await shot(page, "program");
});

test("on paper there is what was found, and nothing to press", async () => {
  const page = await visit(pages().results, { colorScheme: "dark" });
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  for (const gone of ["header.top", ".facets", "footer"]) assert.equal(await page.locator(gone).isVisible(), false, gone);
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
  await shot(page, "results-print");
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
  await page.goto(url + pages().file);
  await page.getByLabel("Go to line").fill("40");
  await page.getByRole("button", { name: "Go", exact: true }).click();
  assert.equal(await page.locator(".source .line").first().getAttribute("id"), "L40");
});

test("all of it can be changed without a script", async () => {
  const page = await visit("/repositories", { javaScriptEnabled: false });
  await page.getByLabel("Register").fill("ftp://nowhere");
  await page.getByRole("button", { name: "Register" }).click();
  await page.getByRole("alert").waitFor();
  assert.equal(await page.getByLabel("Register").inputValue(), "ftp://nowhere");
  await page.goto(`${url}/repositories/${ids.code}`);
  await page.getByRole("button", { name: "Index now" }).click();
  await page.getByRole("heading", { name: "Jobs" }).waitFor();
  assert.match(page.url(), new RegExp(`/repositories/${ids.code}$`));
  await page.goto(url + pages().keys);
  await page.getByLabel("Name").fill("made without a script");
  await page.getByRole("button", { name: "Make the key" }).click();
  const made = await page.locator("output#key").textContent();
  assert.match(made, /^kdb_/);
  await shot(page, "key");
  await page.goto(url + pages().keys);
  assert.equal(await page.locator("output#key").count(), 0);
  await page.getByRole("button", { name: "Revoke made without a script" }).click();
  await page.locator("tr", { hasText: "made without a script" }).getByText("revoked").waitFor();
  const answer = await fetch(`${url}/api/v1/whoami`, { headers: { authorization: `Bearer ${made}` } });
  assert.equal(answer.status, 401);
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
  const overheads = [];
  for (let n = 0; n < 21; n++) {
    const answer = await page.goto(`${url}/search?q=decode_frame`);
    const times = [...(await answer.headerValue("server-timing")).matchAll(/dur=([\d.]+)/g)].map((found) => Number(found[1]));
    overheads.push(times[1] - times[0]);
  }
  // The best says what it takes, the others what else the machine did meanwhile.
  overheads.sort((a, b) => a - b);
  [figures.overhead_ms, figures.overhead_median_ms] = [overheads[0], overheads[10]];
  assert.ok(figures.overhead_ms <= 10, `${figures.overhead_ms} ms beside the search`);
  for (const path of Object.values(pages())) {
    await page.goto(url + path);
    await page.waitForTimeout(300);
    assert.equal(await shift(page), 0, path);
  }
});
