// The book in a real browser: `make site CHECK=1`. Chromium opens the built pages from their folder, without a network, and from
// a local server; what must hold is checked, what is measured is printed. The tools are the Playground's (docs/playground/package.json).
import { existsSync, readFileSync, statSync } from "node:fs"
import { createServer } from "node:http"
import { createRequire } from "node:module"
import { extname, join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"

const require = createRequire(new URL("./playground/package.json", import.meta.url))
const { chromium } = require("playwright-core")
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8")

const folder = fileURLToPath(new URL("./_build/html/", import.meta.url))
// Names on the command line, such as notebooks/04_training, choose the chapters. Without them these are opened in every way,
const all = ["index", "notebooks/00_quickstart", "notebooks/01_architecture", "notebooks/04_training", "notebooks/05_visualizing",
  "notebooks/08_the_paper", "notebooks/09_real_images", "notebooks/GLOSSARY", "notebooks/SYMPTOMS", "data/benchmarks", "search"]
// and these only dark and narrow, to save time.
const others = ["02_data", "03_building", "06_experiments", "07_many_classes", "10_your_own_images", "11_variants",
  "12_the_unet_that_draws", "13_scaling_up", "INSTRUCTORS"].map(name => `notebooks/${name}`).concat("data/unet_shapes_card")
const [chapters, narrow] = (process.argv.length > 2 ? [process.argv.slice(2), []] : [all, others]).map(names => names.map(name => `${name}.html`))
const mostBytes = 1_500_000
const wrong = []
const expect = (holds, said) => { if (!holds) wrong.push(said) }

const kinds = { ".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png" }
let sent = 0
const server = createServer((request, answer) => {
  const path = join(folder, decodeURIComponent(new URL(request.url, "http://x").pathname))
  if (!path.startsWith(folder) || !existsSync(path) || !statSync(path).isFile()) return answer.writeHead(404).end()
  const body = readFileSync(path)
  sent += body.length
  answer.writeHead(200, { "content-type": kinds[extname(path)] ?? "application/octet-stream" }).end(body)
})
await new Promise(done => server.listen(0, "127.0.0.1", done))
const served = `http://127.0.0.1:${server.address().port}/`
const fromFolder = pathToFileURL(folder).href

const places = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
const executablePath = places.find(place => place && existsSync(place))
if (!executablePath) {
  console.log("Chromium is missing, and the book was not opened; CHROMIUM=/path/to/it names it.")
  process.exit(2)
}
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] })

/** A page that notes errors and requests to anywhere but the site. */
async function open(address, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 1000 }, ...options })
  const page = await context.newPage()
  page.on("pageerror", error => wrong.push(`${address}: ${error.message}`))
  page.on("console", message => message.type() === "error" && wrong.push(`${address}: ${message.text()}`))
  page.on("request", request => {
    const url = request.url()
    expect(url.startsWith(served) || url.startsWith(fromFolder) || url.startsWith("data:"), `${address} asks for ${url}`)
  })
  await page.goto(address, { waitUntil: "load" })
  return page
}

for (const name of [...chapters, ...narrow]) {
  for (const [scheme, width] of narrow.includes(name) ? [["dark", 390]] : [["light", 1440], ["dark", 390]]) {
    const page = await open(served + name, { colorScheme: scheme, viewport: { width, height: 1000 } })
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    expect(wide <= 0, `${name} is ${wide} px wider than ${width} px`)
    await page.evaluate(() => { for (const fold of document.querySelectorAll("details")) fold.open = true })
    await page.evaluate(axe)
    const { violations } = await page.evaluate(() => window.axe.run())
    for (const { id, impact, nodes } of violations) {
      const said = `${name}, ${scheme}, ${width} px: ${impact}: ${id}, ${nodes.length} times: ${nodes[0].html.slice(0, 120)}`
      if (["serious", "critical"].includes(impact)) wrong.push(said)
      else console.log(said)
    }
    await page.context().close()
  }
  if (narrow.includes(name)) continue
  sent = 0
  const page = await open(served + name)
  const first = sent
  await page.evaluate(async () => {
    for (const picture of document.images) {
      picture.scrollIntoView()
      await new Promise(done => setTimeout(done, 30))
    }
  })
  await page.waitForLoadState("networkidle")
  const lost = await page.evaluate(() => [...document.images].filter(one => !one.naturalWidth).map(one => one.src))
  expect(lost.length === 0, `${name}: not drawn: ${lost}`)
  expect(sent < mostBytes, `${name} weighs ${sent} bytes`)
  const { paint, shift } = await page.evaluate(async () => {
    let shift = 0
    const add = list => { for (const one of list.getEntries()) shift += one.value }
    new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true })
    await new Promise(done => setTimeout(done, 300))
    return { paint: performance.getEntriesByName("first-contentful-paint")[0].startTime, shift }
  })
  expect(shift < 0.1, `${name}: the page shifts by ${shift} while its figures load`)
  console.log(`${name}: first text after ${Math.round(paint)} ms, shifts by ${shift.toFixed(3)}, ${Math.round(first / 1000)} kB when it opens, ${Math.round(sent / 1000)} kB with all figures`)
  await page.context().close()
}

// Without scripts: the text is there, and a solution opens.
const plain = await open(`${fromFolder}notebooks/04_training.html`, { javaScriptEnabled: false })
expect((await plain.locator("article").innerText()).length > 10_000, "without scripts the text is not readable")
const solution = plain.locator("details", { hasText: "solved_loss" }).first()
expect(!(await solution.locator("pre").first().isVisible()), "a solution is open from the start")
await solution.locator("summary").click()
expect(await solution.locator("pre").first().isVisible(), "without scripts a solution does not open")
const answer = plain.locator("details", { hasText: "✗ With .5 everywhere" }).first()
await answer.locator("summary").click()
expect(await answer.getByText("has learned a little more").isVisible(), "without scripts an answer does not open")
await plain.context().close()

// By keyboard: the first stop skips to the text, and a wide code cell can be reached where it scrolls.
const keys = await open(`${fromFolder}notebooks/04_training.html`, { viewport: { width: 390, height: 844 } })
await keys.keyboard.press("Tab")
expect((await keys.evaluate(() => document.activeElement.textContent)) === "Skip to the text", "the first stop is not the link to the text")
await keys.keyboard.press("Enter")
await keys.keyboard.press("Tab")
expect(await keys.evaluate(() => document.activeElement.closest("main") !== null), "the link to the text does not lead there")
expect((await keys.locator("pre[tabindex='0']").count()) > 10, "the keyboard does not reach wide code")
await keys.context().close()

// With scripts, from a folder: the search finds, a link to a heading of another chapter leads there, the theme stays.
const page = await open(`${fromFolder}notebooks/SYMPTOMS.html`)
await page.getByRole("link", { name: "04: an output that is never dark" }).click()
expect(new URL(page.url()).hash === "#question-an-output-that-is-never-dark", "a link to a heading of another chapter")
const top = await page.locator(`[id="${new URL(page.url()).hash.slice(1)}"]`).evaluate(one => one.getBoundingClientRect().top)
expect(Math.abs(top) < 150, `the heading is ${top} px away from where the link leads`)
const current = page.locator(".sections [aria-current]")
await current.waitFor()
expect((await current.innerText()) === "Question: an output that is never dark", `the contents mark ${await current.innerText()}`)
expect(await current.evaluate(one => one.getBoundingClientRect().bottom < innerHeight), "the mark in the contents is out of sight")
await page.keyboard.press("/")
await page.keyboard.type("watershed")
await page.keyboard.press("Enter")
await page.waitForSelector("#search-results li a")
expect((await page.locator("#search-results li").allInnerTexts()).some(text => text.startsWith("09")), "the search for watershed misses 09")
const colour = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
const before = await colour()
const theme = page.getByRole("button", { name: "Theme" })
await theme.click()
await theme.click()
const dark = await colour()
expect(before !== dark, "the theme does not change")
await page.reload()
expect((await colour()) === dark, "the theme is forgotten")
await page.context().close()

// Served, the search also quotes the pages: their text, not the links and contents that stand before it.
const search = await open(`${served}search.html?q=overfitting`)
await search.waitForFunction(() => document.querySelectorAll("#search-results .context").length > 4)
const quoted = (await search.locator("#search-results li").allInnerTexts()).join("\n")
expect(!/report a problem|Open in Colab|Exercise: .* Question: /.test(quoted), `the search quotes what is no text: ${quoted}`)
expect((await search.locator("#search-results a[href$='.html#:~:text=overfitting']").count()) > 2, "what is found is opened at the top of its page only")
await search.goto(`${served}search.html?q=zzzzzz`)
await search.getByText("No page holds all of these words").waitFor()
await search.context().close()

// The whole book in one file holds every chapter, its folded parts open and its links inside.
const whole = await open(`${fromFolder}print.html`)
expect((await whole.locator("article").count()) >= 20, "the book on one page lacks chapters")
expect((await whole.locator("article details:not([open])").count()) === 0, "the book on one page has folded parts")
await whole.context().close()

await browser.close()
server.close()
console.log(wrong.length ? wrong.join("\n") : "The book holds in Chromium.")
process.exit(wrong.length ? 1 : 0)
