// Plays one story in the page with a real browser: node drive.mjs ADDRESS FOLDER [CHROMIUM].
// Prints one JSON object, {steps: {name: what was seen}, problems: what the browser complained of};
// pictures go to FOLDER. Exits with 1 when a step could not be played.
import { chromium } from "playwright-core";

const [address, folder, executablePath = "/usr/bin/chromium"] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run"],
});
const problems = [];
const steps = {};
let failure = null;

async function look(page, name) {
  await page.screenshot({ path: `${folder}/${name}.png` });
}

async function story(page) {
  const text = (id) => page.locator(`#${id}`).innerText();
  const value = (which) => page.evaluate((name) => window.playground[name].getValue(), which);
  const file = (name) => page.locator("#files button", { hasText: name }).first();
  const cursorAfter = (words) =>
    page.evaluate((wanted) => {
      const { editor } = window.playground;
      const model = editor.getModel();
      const offset = model.getValue().indexOf(wanted) + wanted.length;
      editor.setPosition(model.getPositionAt(offset));
      editor.focus();
    }, words);

  await page.goto(`${address}&workspace=bank`);
  await page.waitForFunction(() => document.getElementById("state").textContent === "ready");
  await file("customers_by_grade").click();
  await page.waitForFunction(() => window.playground.sql.getValue().includes("GROUP BY"));
  steps.sql = await value("sql");
  await look(page, "sql");

  await page.locator("#run").click();
  await page.waitForSelector("#rows table tbody tr");
  steps.rows = await page.locator("#rows table tbody tr").count();
  steps.summary = await text("rows-note");
  await look(page, "rows");
  await page.locator("#tab-sql").click();

  // A mistake appears while it is typed, with the file's mark in the list, and goes with undo.
  await cursorAfter('"metrics": ["');
  await page.keyboard.type("x");
  await page.waitForSelector("#problem-list button.error");
  steps.mistake = await page.locator("#problem-list button.error").first().innerText();
  await look(page, "mistake");
  await page.keyboard.press("Control+z");
  await page.waitForSelector("#problem-list button.error", { state: "detached" });
  steps.undone = await text("problem-count");

  // Completion where a metric stands.
  await cursorAfter('"metrics": ["');
  await page.keyboard.press("Control+Space");
  await page.waitForSelector(".suggest-widget.visible .monaco-list-row");
  steps.completion = await page.locator(".suggest-widget .monaco-list-row").count();
  await look(page, "completion");
  await page.keyboard.press("Escape");

  // Hover with SQL.
  await page.evaluate(() => window.playground.editor.trigger("test", "editor.action.showHover"));
  await page.waitForSelector(".monaco-hover:not(.hidden) .hover-contents");
  steps.hover = await page.locator(".monaco-hover:not(.hidden)").first().innerText();
  await look(page, "hover");
  await page.keyboard.press("Escape");

  // The SQL that the word at the cursor became is marked.
  await page.waitForSelector("#sql .mapped");
  steps.mapped = await page.locator("#sql .mapped").count();

  // How it is computed, from the lens above the query.
  await page.locator(".codelens-decoration a", { hasText: "Explain" }).first().click();
  await page.waitForSelector("#plan dl dt");
  steps.plan = await text("plan");
  await look(page, "plan");
  await page.locator("#tab-sql").click();

  // Another dialect's words.
  await page.selectOption("#dialect", "bigquery");
  await page.waitForFunction(() => window.playground.sql.getValue().includes("`"));
  steps.bigquery = await value("sql");
  await page.selectOption("#dialect", "");

  // A definition in another file, and a rename over all of them.
  await cursorAfter('"metrics": ["');
  await page.keyboard.press("F12");
  await page.waitForFunction(() => document.getElementById("file-name").textContent.endsWith(".yml"));
  steps.definition = await text("file-name");
  await look(page, "definition");
  await page.keyboard.press("F2");
  await page.waitForSelector(".rename-box input");
  await page.locator(".rename-box input").fill("clients");
  await page.keyboard.press("Enter");
  await file("customers_by_grade").click();
  await page.waitForFunction(() => window.playground.editor.getValue().includes('"clients'));
  steps.renamed = await value("editor");

  // The other workspace has a server of its own.
  await page.selectOption("#workspace", "shop");
  await page.waitForFunction(() => document.getElementById("state").textContent === "ready");
  steps.shop = await page.locator("#files button").count();
  await page.waitForFunction(() => window.playground.sql.getValue().includes("SELECT"));

  // By keyboard alone: from the SQL tab to the rows.
  await page.locator("#tab-sql").focus();
  await page.keyboard.press("ArrowRight");
  steps.keyboard = await page.evaluate(() => document.activeElement.id);
  await page.emulateMedia({ colorScheme: "dark" });
  await page.locator("#tab-sql").click();
  await look(page, "dark");

  // On a phone nothing is beyond the edge.
  const phone = await browser.newPage({ viewport: { width: 390, height: 844 } });
  await phone.goto(address);
  await phone.waitForFunction(() => document.getElementById("state").textContent === "ready");
  steps.beyond = await phone.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  await look(phone, "phone");
  await phone.close();

  // Without the token there is nothing to see.
  await page.goto(new URL("/", address).href);
  await page.waitForSelector("#state.broken");
  steps.refused = await text("state");
}

const page = await browser.newPage({ viewport: { width: 1440, height: 860 } });
page.on("pageerror", (error) => problems.push(String(error)));
page.on("console", (message) => {
  if (message.type() === "error") problems.push(message.text());
});
page.setDefaultTimeout(20_000);
try {
  await story(page);
} catch (error) {
  failure = String(error);
  await look(page, "failure");
}
await browser.close();
console.log(JSON.stringify({ steps, problems, failure }));
process.exit(failure === null ? 0 : 1);
